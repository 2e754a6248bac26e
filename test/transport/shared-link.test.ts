import { describe, expect, test } from 'vitest';
import type { Link, Subscription } from '../../src/transport/link.ts';
import { MemoryBroker, NATS_RULES, STOMP_RULES } from '../../src/transport/memory/broker.ts';
import { SharedLink } from '../../src/transport/shared-link.ts';

const TOPIC = '/topic/mcollective.rpcutil.agent';

/** The link, with what the broker sees of its subscriptions. */
const counted = (link: Link) => {
  const seen = { begun: 0, ended: 0, opened: 0 };
  const watched: Link = {
    ...link,
    open: async () => {
      seen.opened++;
      await link.open();
    },
    subscribe: async (subscription) => {
      seen.begun++;
      const { unsubscribe } = await link.subscribe(subscription);
      return {
        unsubscribe: async () => {
          seen.ended++;
          await unsubscribe();
        },
      };
    },
  };
  return { seen, shared: new SharedLink(watched) };
};

const world = () => {
  const broker = new MemoryBroker(STOMP_RULES);
  const client = broker.link();
  let sent = 0;
  return {
    ...counted(broker.link()),
    send: (): void =>
      client.send({ destination: TOPIC, body: Buffer.from(`${++sent}`), expires: Number.POSITIVE_INFINITY }),
  };
};

const taking = (got: string[], who: string): Subscription => ({
  destination: TOPIC,
  onMessage: ({ body }) => void got.push(`${who}${body}`),
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('two users of a link that are subscribed to the same', () => {
  test('count as one: the newer one gets each message, also of a topic, and the broker sees no change', async () => {
    const { shared, seen, send } = world();
    const got: string[] = [];
    const [old, fresh] = [shared.lease(), shared.lease()];
    const first = await old.subscribe(taking(got, 'old '));
    send();
    await turn();
    await fresh.subscribe(taking(got, 'new '));
    send();
    await turn();
    await first.unsubscribe();
    await old.close();
    send();
    await turn();
    expect(got).toEqual(['old 1', 'new 2', 'new 3']);
    expect(seen).toMatchObject({ begun: 1, ended: 0 });
  });

  test('the older one has it again when the newer one leaves first', async () => {
    const { shared, seen, send } = world();
    const got: string[] = [];
    const [old, fresh] = [shared.lease(), shared.lease()];
    await old.subscribe(taking(got, 'old '));
    await fresh.subscribe(taking(got, 'new '));
    await fresh.close();
    send();
    await turn();
    expect(got).toEqual(['old 1']);
    await old.close();
    await turn();
    expect(seen).toMatchObject({ begun: 1, ended: 1 });
  });

  test('another selector or another group is not the same', async () => {
    const { shared, seen } = world();
    const got: string[] = [];
    const [old, fresh] = [shared.lease(), shared.lease()];
    await old.subscribe({ ...taking(got, ''), headers: { selector: "a = '1'" } });
    await fresh.subscribe({ ...taking(got, ''), headers: { selector: "a = '2'" } });
    await fresh.subscribe({ ...taking(got, ''), group: 'g' });
    expect(seen.begun).toBe(3);
  });
});

test('members of a group that one user holds stay as many, and pass one by one', async () => {
  const { shared, seen } = counted(new MemoryBroker(NATS_RULES).link());
  const member = { destination: 'a.b', group: 'g', onMessage: () => undefined };
  const [old, fresh] = [shared.lease(), shared.lease()];
  for (let i = 0; i < 3; i++) await old.subscribe(member);
  for (let i = 0; i < 5; i++) await fresh.subscribe(member);
  expect(seen).toMatchObject({ begun: 5, ended: 0 });
  await old.close();
  await turn();
  expect(seen).toMatchObject({ begun: 5, ended: 0 });
});

test('what has arrived when the last user leaves is still handed over', async () => {
  const { shared, send } = world();
  const got: string[] = [];
  const lease = shared.lease();
  const { unsubscribe } = await lease.subscribe(taking(got, ''));
  send();
  await unsubscribe();
  expect(got).toEqual(['1']);
});

test('it is opened once, and a lease that is closed takes nothing more', async () => {
  const { shared, seen } = world();
  const [one, other] = [shared.lease(), shared.lease()];
  await Promise.all([one.open(), other.open()]);
  expect(seen.opened).toBe(1);
  await one.close();
  const message = { destination: TOPIC, body: Buffer.from('x'), expires: Number.POSITIVE_INFINITY };
  expect(() => one.send(message)).toThrow('the link is closed');
  await expect(one.open()).rejects.toThrow('the link is closed');
  await expect(one.subscribe(taking([], ''))).rejects.toThrow('the link is closed');
  other.send(message);
  await shared.close();
  expect(() => other.send(message)).toThrow('the link is closed');
});

test('one that is retired is closed when the last who uses it has left', async () => {
  const { shared } = world();
  const [used, unused] = [shared.lease(), shared.lease()];
  await used.open();
  await shared.retire();
  expect(used.state().up).toBe(true);
  await used.close();
  expect(used.state().up).toBe(false);
  await expect(unused.open()).rejects.toThrow('the link is closed');
});

test('one that is retired hands over what had come to it before it is closed', async () => {
  const broker = new MemoryBroker(STOMP_RULES);
  const shared = new SharedLink(broker.link());
  const lease = shared.lease();
  const got: string[] = [];
  await lease.subscribe({ destination: '/queue/a', onMessage: ({ body }) => got.push(body.toString()) });
  await shared.retire();
  broker
    .link()
    .send({ destination: '/queue/a', body: Buffer.from('late'), expires: Number.POSITIVE_INFINITY });
  await lease.close();
  expect(got).toEqual(['late']);
});

test('a subscription that the broker refuses is told to all who wait for it, and is tried anew by the next', async () => {
  let refusals = 0;
  const link: Link = {
    ...new MemoryBroker(STOMP_RULES).link(),
    subscribe: async () => {
      refusals++;
      await turn();
      throw new Error('refused');
    },
  };
  const shared = new SharedLink(link);
  const both = [shared.lease(), shared.lease()].map((lease) => lease.subscribe(taking([], '')));
  for (const one of both) await expect(one).rejects.toThrow('refused');
  await expect(shared.lease().subscribe(taking([], ''))).rejects.toThrow('refused');
  expect(refusals).toBe(2);
});
