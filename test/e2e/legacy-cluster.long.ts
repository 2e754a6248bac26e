import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BridgeProcess, launchBridge } from '../support/bridge.ts';
import {
  C1,
  C2,
  C3,
  type MixedConfig,
  type MixedWorld,
  mixedConfig,
  startMixedWorld,
} from '../support/mixed-world.ts';
import { freePort } from '../support/ports.ts';
import { startProxy } from '../transport/stomp/proxy.ts';

/**
 * Calls an agent of all nodes again and again, until a file is there, and wants no answer; prints the id of each
 * request and when it was sent, in ms. One client with the libraries that `mco` is made of.
 */
const SENDER = (end: string): string => `
  require 'mcollective'
  include MCollective::RPC
  oparser = MCollective::Optionparser.new({:verbose => false})
  options = oparser.parse
  options[:config] = ARGV[0]
  client = rpcclient('rpcutil', :options => options)
  client.progress = false
  $stdout.sync = true
  until File.exist?(${JSON.stringify(end)})
    id = client.ping(:process_results => false)
    puts "#{id} #{(Time.now.to_f * 1000).to_i}"
    sleep 0.02
  end
`;

/** Ms: what happens takes its time by the instances' clocks, and two cores have a client and four bridges to run. */
const PATIENCE = 180_000;

interface Sent {
  readonly id: string;
  /** Ms since the epoch. */
  readonly at: number;
}

let mixed: MixedWorld;
const GO = [C1, C2, C3];

beforeAll(async () => {
  mixed = await startMixedWorld({ legacy: [] });
});

afterAll(() => mixed.stop());

const another = (): Promise<BridgeProcess> => mixed.world.bridge((config) => mixedConfig(config));

/** Sends while something else happens. @returns what was sent, once that is over */
const sendDuring = async (happening: () => Promise<unknown>, { mco } = mixed): Promise<readonly Sent[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcbridge-'));
  const end = join(folder, 'end');
  const sender = mco.marshal.ruby(SENDER(end));
  try {
    await happening();
  } finally {
    await writeFile(end, '');
    await sender.finally(() => rm(folder, { recursive: true }));
  }
  const { stdout, stderr } = await sender;
  const sent = [...stdout.matchAll(/^([0-9a-f]{32}) (\d+)$/gm)].map(([, id = '', at]) => ({
    id,
    at: Number(at),
  }));
  if (sent.length === 0) throw new Error(`nothing was sent: ${stderr}`);
  return sent;
};

const withQueue = (config: MixedConfig): object => ({
  ...config,
  ingresses: {
    ...config.ingresses,
    mco: { ...config.ingresses.mco, broadcast_queue: '/queue/mcbridge.{collective}.requests' },
  },
});

/** How often each node ran each request: once, or not at all. */
const runs = (id: string): readonly number[] =>
  GO.map((node) => mixed.fleets.go.executions('rpcutil#ping', id).get(node) ?? 0);

/** The nodes run no more of what was sent; bridges go on asking them who is there. */
const settled = async ({ fleets } = mixed): Promise<void> => {
  for (let before = -1; ; ) {
    const now = [...fleets.go.executions('rpcutil#ping').values()].reduce((sum, count) => sum + count, 0);
    if (now === before) return;
    before = now;
    await sleep(1_000);
  }
};

const aRequest = (bridge: BridgeProcess): Promise<unknown> =>
  bridge.line(({ event, route }) => event === 'request' && route === 'mco → choria', 'a request of its own');

describe('three instances of a cluster that each get a copy of every broadcast', () => {
  const bridges: BridgeProcess[] = [];

  beforeAll(async () => {
    bridges.push(mixed.bridge, await another(), await another());
  });

  test('handle each request once, and share them', async () => {
    const sent = await sendDuring(async () => {
      for (const bridge of bridges) await aRequest(bridge);
      await sleep(3_000);
    });
    await settled();
    for (const { id } of sent) expect(runs(id), id).toEqual([1, 1, 1]);
    expect(mixed.fleets.go.refused()).toEqual([]);
  });

  test('never handle one twice while one is killed and another one comes, and lose only what the dead one owned', {
    timeout: PATIENCE,
  }, async () => {
    const [first, victim] = bridges;
    let killedAt = 0;
    let missedAt = 0;
    const sent = await sendDuring(async () => {
      await sleep(4_000);
      killedAt = Date.now();
      await victim?.child.kill();
      await first?.line(({ event }) => event === 'member_silent', 'that the dead one is missed');
      missedAt = Date.now();
      await sleep(2_000);
      const newcomer = await another();
      bridges.push(newcomer);
      await aRequest(newcomer);
      await sleep(2_000);
    });
    await settled();
    for (const { id } of sent) expect(Math.max(...runs(id)), `${id} ran at most once`).toBeLessThanOrEqual(1);
    const lost = sent.filter(({ id }) => Math.max(...runs(id)) === 0);
    // The clock of requests has whole seconds.
    const window = { from: killedAt - 1_000, to: missedAt + 1_000 };
    expect(lost.filter(({ at }) => at < window.from || at > window.to)).toEqual([]);
    const within = sent.filter(({ at }) => at >= window.from && at <= window.to);
    // A third of them was the dead one's.
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan(within.length * 0.6);
  });
});

test('an instance that the legacy broker alone does not reach hands its share over at once', {
  timeout: PATIENCE,
}, async () => {
  const proxy = await startProxy(mixed.world.activemq.port);
  const servers = [`stomp://127.0.0.1:${proxy.port}`];
  const cutOff = await mixed.world.bridge((config) => {
    const changed = mixedConfig(config);
    const { mco, mco_yaml } = changed.ingresses;
    return {
      ...changed,
      ingresses: { ...changed.ingresses, mco: { ...mco, servers }, mco_yaml: { ...mco_yaml, servers } },
    };
  });
  let cutAt = 0;
  let leftAt = 0;
  const sent = await sendDuring(async () => {
    await aRequest(cutOff);
    await sleep(1_000);
    cutAt = Date.now();
    await proxy.close();
    await mixed.bridge.line(({ event }) => event === 'member_left', 'that it has handed over');
    leftAt = Date.now();
    // Longer than a silent one would be waited for.
    await sleep(8_000);
  });
  await settled();
  for (const { id } of sent) expect(Math.max(...runs(id)), id).toBeLessThanOrEqual(1);
  const lost = sent.filter(({ id }) => Math.max(...runs(id)) === 0);
  // It leaves on a whole second, a second later at the latest; its requests have whole seconds.
  expect(lost.filter(({ at }) => at < cutAt - 1_000 || at > leftAt + 2_000)).toEqual([]);
});

test('an instance takes its share while one of its egresses was never reached', async () => {
  const servers = [`nats://127.0.0.1:${await freePort()}`];
  const { world } = mixed;
  const bridge = launchBridge(
    world.config((config) => {
      const changed = mixedConfig(config);
      const { egresses, routes } = changed;
      const [identities] = routes.filter(({ to }) => to === 'choria').map((route) => route.identities);
      return {
        ...changed,
        egresses: { ...egresses, malta: { ...egresses.choria, servers } },
        routes: [...routes, { from: 'mco', to: 'malta', collectives: ['malta'], identities }],
      };
    }),
  );
  await bridge.line(({ event, taken }) => event === 'share' && taken === true, 'that it takes part', 30_000);
  expect(bridge.lines().some(({ event }) => event === 'ready')).toBe(false);
  expect(await bridge.stop(), bridge.child.log()).toBe(0);
});

describe('two instances with a broker that puts broadcasts into a queue too', () => {
  let queued: MixedWorld;

  beforeAll(async () => {
    queued = await startMixedWorld({
      legacy: [],
      activemq: {
        compositeTopics: [{ topic: 'mcollective.*.agent', queue: 'mcbridge.mcollective.requests' }],
      },
      changes: withQueue,
    });
    await queued.world.bridge((config) => withQueue(mixedConfig(config)));
  });

  afterAll(() => queued.stop());

  test('get each broadcast once between them', async () => {
    const { fleets, world } = queued;
    const sent = await sendDuring(async () => {
      for (const bridge of world.bridges()) await aRequest(bridge);
      await sleep(2_000);
    }, queued);
    await settled(queued);
    for (const { id } of sent)
      expect([...fleets.go.executions('rpcutil#ping', id).values()], id).toEqual([1, 1, 1]);
  });
});
