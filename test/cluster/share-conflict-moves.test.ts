import { createSecretKey } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { type LonePlace, ShareConflict } from '../../src/cluster/share-conflict.ts';
import { delegateLink } from '../../src/transport/delegate-link.ts';
import type { Link } from '../../src/transport/link.ts';
import { MemoryBroker, STOMP_RULES } from '../../src/transport/memory/broker.ts';
import { type LogLine, recordingLog, settled } from '../adapters/world.ts';

const TOPIC = '/topic/mcollective.registration.agent';
const MARK = 'mark';
const ended: (() => unknown)[] = [];

afterEach(() => {
  for (const end of ended.splice(0)) end();
});

interface Watched {
  readonly place: LonePlace;
  /** What its user did, in order. */
  readonly done: string[];
  /** Hellos that went out by it. */
  hellos(): number;
}

/** A place whose link notes what is done; `confirmed` holds back that it is subscribed, `late` what it sends. */
const placeAt = (
  broker: MemoryBroker,
  name: string,
  { done = [], confirmed, late }: { done?: string[]; confirmed?: Promise<void>; late?: Promise<void> } = {},
): Watched => {
  const inner = broker.link();
  const link: Link = {
    ...delegateLink(inner),
    subscribe: async (subscription) => {
      done.push(`subscribe ${name}`);
      await confirmed;
      const standing = await inner.subscribe(subscription);
      return {
        unsubscribe: async () => {
          done.push(`leave ${name}`);
          await standing.unsubscribe();
        },
      };
    },
    send: (message) => {
      done.push(`hello ${name}`);
      if (late === undefined) inner.send(message);
      else void late.then(() => inner.send(message));
    },
  };
  return {
    place: { ingress: 'mco', link, destination: TOPIC },
    done,
    hellos: () => done.filter((it) => it === `hello ${name}`).length,
  };
};

const gate = () => {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
};

const instance = (name: string) => {
  const log: LogLine[] = [];
  const conflict = new ShareConflict({
    headers: { [MARK]: 'test' },
    cluster: 'production',
    instance: name,
    keys: () => ({ key: createSecretKey(Buffer.alloc(32, 1)) }),
    clock: Date.now,
    log: recordingLog(log),
  });
  ended.push(() => conflict.stop());
  return { conflict, log };
};

test('it is started once, however often that is asked for', async () => {
  const { conflict } = instance('1');
  const { place, done } = placeAt(new MemoryBroker(STOMP_RULES), 'a');
  conflict.follow([place]);
  conflict.start();
  conflict.follow([place]);
  conflict.start();
  await settled();
  expect(done).toEqual(['subscribe a', 'hello a']);
});

test('what it follows before it is started counts from the start, where it is then', async () => {
  const { conflict } = instance('1');
  const broker = new MemoryBroker(STOMP_RULES);
  const [former, place] = [placeAt(broker, 'a'), placeAt(broker, 'b')];
  conflict.follow([former.place]);
  conflict.follow([place.place]);
  conflict.start();
  await settled();
  expect([former.done, place.done]).toEqual([[], ['subscribe b', 'hello b']]);
});

test('after the end it neither starts nor moves', async () => {
  const broker = new MemoryBroker(STOMP_RULES);
  const { place, done } = placeAt(broker, 'a');
  const { conflict } = instance('1');
  conflict.follow([place]);
  await conflict.stop();
  conflict.start();
  const another = placeAt(broker, 'b');
  conflict.follow([another.place]);
  expect([done, another.done, conflict.isNeeded]).toEqual([[], [], false]);
});

test.each(['stop', 'follow'] as const)(
  'a subscription that is confirmed after %s is left at once, and nobody waits for it',
  async (way) => {
    const { opened, open } = gate();
    const { place, done } = placeAt(new MemoryBroker(STOMP_RULES), 'a', { confirmed: opened });
    const { conflict } = instance('1');
    conflict.follow([place]);
    conflict.start();
    if (way === 'stop') void conflict.stop();
    else conflict.follow([]);
    await settled();
    expect(done).toEqual(['subscribe a', 'hello a']);
    open();
    await settled();
    expect(done).toEqual(['subscribe a', 'hello a', 'leave a']);
  },
);

test('it stays where it is, and is at a new place before it leaves the old one', async () => {
  const broker = new MemoryBroker(STOMP_RULES);
  const done: string[] = [];
  const [kept, old, fresh] = ['kept', 'old', 'new'].map((name) => placeAt(broker, name, { done }).place);
  if (kept === undefined || old === undefined || fresh === undefined) throw new Error('three places');
  const { conflict } = instance('1');
  conflict.follow([kept, old]);
  conflict.start();
  await settled();
  done.length = 0;
  conflict.follow([{ ...kept }, fresh]);
  await settled();
  expect(done).toEqual(['subscribe new', 'hello new', 'leave old']);
});

test('what it said at the old place is no other instance at the new one, however late it comes', async () => {
  const broker = new MemoryBroker(STOMP_RULES);
  const { opened, open } = gate();
  const [old, fresh] = [placeAt(broker, 'old', { late: opened }), placeAt(broker, 'new')];
  const { conflict, log } = instance('1');
  conflict.follow([old.place]);
  conflict.start();
  conflict.follow([fresh.place]);
  await settled();
  open();
  await settled();
  expect([old.hellos(), fresh.hellos()]).toEqual([1, 1]);
  expect(conflict.conflicts()).toEqual([]);
  expect(log).toEqual([]);
});

test('another instance is known on at a new place, and told of once by either', async () => {
  const broker = new MemoryBroker(STOMP_RULES);
  const [one, two] = [instance('1'), instance('2')];
  two.conflict.follow([placeAt(broker, 'other').place]);
  two.conflict.start();
  await settled();
  one.conflict.follow([placeAt(broker, 'old').place]);
  one.conflict.start();
  await settled();
  const known = [{ instance: '2', ingress: 'mco' }];
  expect(one.conflict.conflicts()).toEqual(known);
  one.conflict.follow([placeAt(broker, 'new').place]);
  expect(one.conflict.conflicts()).toEqual(known);
  await settled();
  expect(one.conflict.conflicts()).toEqual(known);
  expect(two.conflict.conflicts()).toEqual([{ instance: '1', ingress: 'mco' }]);
  expect([one.log.length, two.log.length]).toEqual([1, 1]);
  // An ingress that need not be alone any more has no conflict.
  one.conflict.follow([]);
  expect([one.conflict.conflicts(), one.conflict.isNeeded]).toEqual([[], false]);
});
