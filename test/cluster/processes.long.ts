import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Link } from '../../src/transport/link.ts';
import { createNatsLink } from '../../src/transport/nats/index.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { type Child, start } from '../support/process.ts';

/** Ms. */
const INTERVAL = 1_000;
/** Times of requests are whole seconds. */
const SECOND = 1_000;
const PATIENCE = 30_000;

let nats: NatsServer;
let topic: Link;
const children: Child[] = [];
/** Who has taken what. */
const taken = new Map<string, string[]>();
/** When each was sent, ms since the epoch. */
const sent = new Map<string, number>();

beforeAll(async () => {
  nats = await startNatsServer();
  topic = createNatsLink({ servers: [nats.url], name: 'test', onEvent: () => undefined });
  await topic.open();
  await topic.subscribe({
    destination: 'test.taken',
    onMessage: ({ body }) => {
      const [id = '', instance = ''] = body.toString().split(' ');
      taken.set(id, [...(taken.get(id) ?? []), instance]);
    },
  });
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.kill()));
  taken.clear();
  sent.clear();
});
afterAll(async () => {
  await topic?.close();
  await nats?.stop();
});

const instance = (name: string): Child => {
  const script = fileURLToPath(new URL('instance.mjs', import.meta.url));
  const child = start(process.execPath, [script, nats.url, name, String(INTERVAL)]);
  children.push(child);
  return child;
};
const joined = (child: Child): Promise<void> => child.waitFor(/takes its share/, PATIENCE);
const say = (text: string): void =>
  topic.send({ destination: 'test.requests', body: Buffer.from(text), expires: Number.MAX_VALUE });
const ask = (): void => {
  const id = `request${sent.size}`;
  const now = Date.now();
  sent.set(id, now);
  say(`${id} ${Math.floor(now / 1000)}`);
};
/** All that these instances take of what has been asked has been heard. */
const settled = async (...names: readonly string[]): Promise<void> => {
  taken.delete('sync');
  say('sync');
  await vi.waitFor(() => expect(taken.get('sync')?.toSorted()).toEqual(names.toSorted()), {
    timeout: PATIENCE,
  });
  taken.delete('sync');
};
const twice = (): readonly string[] => [...taken].filter(([, by]) => by.length > 1).map(([id]) => id);
const lost = (): readonly number[] => [...sent].filter(([id]) => !taken.has(id)).map(([, at]) => at);
const shares = (since = 0): ReadonlyMap<string, number> => {
  const found = new Map<string, number>();
  for (const [id, [by = '']] of taken)
    if ((sent.get(id) ?? 0) >= since) found.set(by, (found.get(by) ?? 0) + 1);
  return found;
};

test('three processes share 3,000 requests, each taken once', async () => {
  await Promise.all(['one', 'two', 'three'].map((name) => joined(instance(name))));
  // All three, by the requests' own time.
  await vi.waitFor(
    async () => {
      ask();
      await settled('one', 'two', 'three');
      expect(shares().size).toBe(3);
    },
    { timeout: PATIENCE },
  );
  const before = sent.size;
  for (let batch = 0; batch < 30; batch++) {
    for (let i = 0; i < 100; i++) ask();
    await settled('one', 'two', 'three');
  }
  expect(sent.size - before).toBe(3_000);
  expect(twice()).toEqual([]);
  expect([...sent.keys()].slice(before).filter((id) => !taken.has(id))).toEqual([]);
  for (const share of shares().values()) expect(share).toBeGreaterThan(800);
});

test('under load one is killed, one added, one frozen, one stopped: none is taken twice', async () => {
  const [one, two, three] = ['one', 'two', 'three'].map(instance);
  if (one === undefined || two === undefined || three === undefined) throw new Error('three were started');
  await Promise.all([one, two, three].map(joined));
  const load = setInterval(ask, 2);
  try {
    /** From when to when, in ms since the epoch, requests may be lost. */
    const windows: { readonly from: number; readonly to: number }[] = [];
    const began = Date.now();
    await vi.waitFor(() => expect(shares(began).size).toBe(3), { timeout: PATIENCE });
    windows.push({ from: 0, to: Date.now() });

    const killed = Date.now();
    await one.kill();
    await Promise.all([two, three].map((it) => it.waitFor(/silent, .*: one/, PATIENCE)));
    windows.push({ from: killed - SECOND, to: Date.now() + SECOND });

    const four = instance('four');
    const added = Date.now();
    await joined(four);
    await vi.waitFor(() => expect(shares(added).get('four')).toBeGreaterThan(100), { timeout: PATIENCE });

    const frozen = Date.now();
    two.signal('SIGSTOP');
    await Promise.all([three, four].map((it) => it.waitFor(/silent, .*: two/, PATIENCE)));
    const known = Date.now();
    windows.push({ from: frozen - SECOND, to: known + SECOND });
    await vi.waitFor(() => expect(Math.max(...sent.values())).toBeGreaterThan(known + 2 * SECOND), {
      timeout: PATIENCE,
    });
    two.signal('SIGCONT');
    const awake = Date.now();
    await two.waitFor(/takes no legacy requests[\s\S]*takes its share/, PATIENCE);
    await vi.waitFor(() => expect(shares(awake).get('two')).toBeGreaterThan(100), { timeout: PATIENCE });

    await three.stop();
    const stopped = Date.now();
    await vi.waitFor(() => expect(Math.max(...sent.values())).toBeGreaterThan(stopped + SECOND), {
      timeout: PATIENCE,
    });
    clearInterval(load);
    await settled('two', 'four');
    expect(shares(stopped).has('three')).toBe(false);

    expect(twice()).toEqual([]);
    const unexplained = lost().filter((at) => !windows.some(({ from, to }) => from <= at && at <= to));
    expect(unexplained.map((at) => at - began)).toEqual([]);
    // A third of what was sent within the detection time, not all of it.
    const [, kill] = windows;
    const inWindow = (at: number): boolean => kill !== undefined && at >= killed && at <= kill.to;
    const share = lost().filter(inWindow).length / [...sent.values()].filter(inWindow).length;
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(0.5);
  } finally {
    clearInterval(load);
  }
});
