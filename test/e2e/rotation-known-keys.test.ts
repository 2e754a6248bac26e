import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type BridgeProcess, startBridge } from '../support/bridge.ts';
import { type McoClient, type Mcollectived, startMcollectived } from '../support/mcollectived.ts';
import { C1, type MixedWorld, startMixedWorld } from '../support/mixed-world.ts';
import { keyPair } from '../support/pki.ts';
import { mcoPing, reload } from '../support/rotation.ts';
import { type BridgeConfig, NODE1, SERVER_KEYS, startWorld, type World } from '../support/world.ts';

// The keys by which the bridge knows callers and daemons, and by which callers know the bridge, are exchanged while it runs,
// with real clients and daemons: docs/rotation.md, "Keys of callers and of a shared identity".

const NEXT = keyPair('legacy server, the next');
const PATIENT = { timeout: 120_000, interval: 100 };

const rejections = (bridge: BridgeProcess): readonly unknown[] =>
  bridge.lines().flatMap((line) => (line.event === 'rejected' ? [line['reason']] : []));

describe('with a real mco', () => {
  let mixed: MixedWorld;

  beforeAll(async () => {
    mixed = await startMixedWorld({ legacy: [] });
  }, 240_000);

  afterAll(() => mixed?.stop());

  const ping = (client: McoClient) => mcoPing(client, 'mcollective', C1);
  const ANSWERED = [[C1, 0]];

  test('a caller’s public key that is written over the one before counts soon', async () => {
    const { bridge, world } = mixed;
    world.files.write('clients/carol.pem', keyPair('legacy carol, before').publicKey);
    const carol = await mixed.client('carol');
    await vi.waitFor(async () => {
      await ping(carol);
      expect(rejections(bridge)).toContain('invalid_signature');
    }, PATIENT);
    world.files.write('clients/carol.pem', keyPair('legacy carol').publicKey);
    await vi.waitFor(async () => expect(await ping(carol)).toEqual(ANSWERED), PATIENT);
    expect(await ping(mixed.mco.marshal)).toEqual(ANSWERED);
  }, 300_000);

  test('the bridge’s own key for its replies is exchanged together with that of the clients', async () => {
    const { bridge, world } = mixed;
    world.files.write('next-public.pem', NEXT.publicKey);
    const extra = { 'plugin.ssl_server_public': join(world.files.folder, 'next-public.pem') };
    const next = await mixed.client('alice', extra);
    expect(await ping(next)).toEqual([]);
    world.files.write('server-private.pem', NEXT.privateKey);
    await reload(bridge);
    expect(await ping(next)).toEqual(ANSWERED);
    expect(await ping(mixed.mco.marshal)).toEqual([]);
    world.files.write('server-private.pem', SERVER_KEYS.privateKey);
    await reload(bridge);
    expect(await ping(mixed.mco.marshal)).toEqual(ANSWERED);
  }, 300_000);
});

describe('with real daemons', () => {
  const NODE9 = 'node9.example.net';
  let world: World;
  const daemons: Mcollectived[] = [];

  beforeAll(async () => {
    world = await startWorld({ nodes: [] });
    world.files.write('next-public.pem', NEXT.publicKey);
    for (const [identity, serverKeys] of [
      [NODE1, SERVER_KEYS],
      [NODE9, NEXT],
    ] as const)
      daemons.push(
        await startMcollectived({
          activemqPort: world.activemq.port,
          user: world.activemq.user,
          password: world.activemq.password,
          serverKeys,
          clientPublicKeys: { alice: keyPair('legacy alice').publicKey },
          serializer: 'marshal',
          mainCollective: 'mcollective',
          collectives: ['mcollective'],
          identity,
          facts: {},
          classes: [],
        }),
      );
  }, 240_000);

  afterAll(async () => {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    await world?.stop();
  });

  test('the key of the daemons is exchanged by way of a list that has both', async () => {
    let written: BridgeConfig | undefined;
    const knowing = (keys: string | readonly string[]) => (base: BridgeConfig) => ({
      ...base,
      egresses: { legacy: { ...base.egresses.legacy, server_public_key: keys, discovery: { every: 0 } } },
      routes: base.routes.filter(({ to }) => to === 'legacy'),
    });
    const file = world.config((base) => {
      written = base;
      return knowing('server-public.pem')(base);
    });
    const bridge = await startBridge(file);
    const know = async (keys: string | readonly string[]): Promise<void> => {
      if (written === undefined) throw new Error('there is no configuration');
      world.files.configure(knowing(keys)(written), basename(file));
      await reload(bridge);
    };
    const alice = await world.client();
    const ping = async (node: string): Promise<readonly unknown[]> => {
      const asked = { agent: 'rpcutil', action: 'ping', targets: [node], expect: 1, timeout: 60_000 };
      return (await alice.rpc(asked)).map(({ sender, rpc }) => [sender, rpc?.statuscode]);
    };
    /** What the daemon says is not believed, and the client is told so. */
    const refused = async (node: string): Promise<void> => {
      const before = rejections(bridge).length;
      expect(await ping(node)).toEqual([[node, 5]]);
      await vi.waitFor(() => expect(rejections(bridge).slice(before)).toEqual(['invalid_signature']));
    };
    expect(await ping(NODE1)).toEqual([[NODE1, 0]]);
    await refused(NODE9);
    await know(['server-public.pem', 'next-public.pem']);
    expect([await ping(NODE1), await ping(NODE9)]).toEqual([[[NODE1, 0]], [[NODE9, 0]]]);
    await know('next-public.pem');
    expect(await ping(NODE9)).toEqual([[NODE9, 0]]);
    await refused(NODE1);
    expect(await bridge.stop()).toBe(0);
  }, 300_000);
});
