import { X509Certificate } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startBridge } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { type Mcollectived, startMcollectived } from '../support/mcollectived.ts';
import { C1, type MixedWorld, R1, startMixedWorld, UK_COLLECTIVE } from '../support/mixed-world.ts';
import { keyPair } from '../support/pki.ts';
import { count, mcoPing, reload } from '../support/rotation.ts';
import { type BridgeConfig, NODE1, SERVER_KEYS, startWorld, type World } from '../support/world.ts';

// The keys that requests are signed with are exchanged while the bridge runs, with real daemons, clients and brokers.

/** Where the agent is that keeps a request in flight. */
const GATE = fileURLToPath(new URL('../support/ruby-gate', import.meta.url));

const transport = z.looseObject({ data: z.string() });
const secure = z.looseObject({ pubcert: z.string() });
const RENEWED = ', renewed';

describe('keys that real daemons verify requests with', () => {
  let world: World;
  let daemon: Mcollectived;
  let alice: ChoriaClient;
  const old = keyPair('legacy alice');

  beforeAll(async () => {
    world = await startWorld({ nodes: [] });
    daemon = await startMcollectived({
      activemqPort: world.activemq.port,
      user: world.activemq.user,
      password: world.activemq.password,
      serverKeys: SERVER_KEYS,
      clientPublicKeys: { alice: old.publicKey, shared: keyPair('shared').publicKey },
      serializer: 'marshal',
      mainCollective: 'mcollective',
      collectives: ['mcollective'],
      identity: NODE1,
      facts: {},
      classes: [],
      libdir: GATE,
    });
    alice = await world.client();
  }, 240_000);

  afterAll(async () => {
    await daemon?.stop();
    await world?.stop();
  });

  const config = (signing: object) => (base: BridgeConfig) => ({
    ...base,
    egresses: { legacy: { ...base.egresses.legacy, signing, discovery: { every: 0 } } },
    routes: [
      {
        from: 'federation',
        to: 'legacy',
        collectives: ['mcollective'],
        identities: [{ regex: 'choria=(.+)\\.mcollective', to: 'cert=$1' }],
      },
    ],
  });

  const ping = async () => {
    const replies = await alice.rpc({
      agent: 'rpcutil',
      action: 'ping',
      targets: [NODE1],
      expect: 1,
      timeout: 60_000,
    });
    return replies.map(({ sender, rpc }) => [sender, rpc?.statuscode]);
  };
  const ANSWERED = [[NODE1, 0]];

  /** A request that the daemon has begun with, and that it answers once it may. */
  const inFlight = async (name: string) => {
    const file = join(world.files.folder, name);
    const replies = alice.rpc({
      agent: 'gate',
      action: 'wait',
      data: { file },
      targets: [NODE1],
      ttl: 300,
      expect: 1,
      timeout: 240_000,
    });
    await vi.waitFor(() => expect(existsSync(`${file}.begun`)).toBe(true));
    return {
      answered: async () => {
        writeFileSync(file, '');
        return (await replies).map(({ sender, rpc }) => [sender, rpc?.statuscode]);
      },
    };
  };

  /** The daemon gets a request that it does not believe. */
  const refused = async (): Promise<void> => {
    const before = daemon.log().length;
    const over = new AbortController();
    const replies = alice.rpc({
      agent: 'rpcutil',
      action: 'ping',
      targets: [NODE1],
      expect: 1,
      timeout: 60_000,
      signal: over.signal,
    });
    await vi.waitFor(() => expect(daemon.log().slice(before)).toMatch(NOT_BELIEVED));
    over.abort();
    expect(await replies).toEqual([]);
  };
  const NOT_BELIEVED =
    /SecurityValidationFailed|Failed to handle message|could not be verified|Could not validate/i;

  test('a caller’s: new requests are signed with the new one, and one that was signed with the old one is answered', async () => {
    const bridge = await world.bridge(config({ keys_dir: 'keys' }));
    expect(await ping()).toEqual(ANSWERED);
    const waiting = await inFlight('caller');
    const next = keyPair('legacy alice, the next');
    // From here on the daemon believes the next one alone.
    await daemon.setClientKey('alice', next.publicKey);
    await refused();
    world.files.write('keys/alice.pem', next.privateKey);
    await reload(bridge);
    expect(await ping()).toEqual(ANSWERED);
    expect(await waiting.answered()).toEqual(ANSWERED);

    // Back again without an order: the file is looked at every five seconds.
    const later = await inFlight('caller again');
    await daemon.setClientKey('alice', old.publicKey);
    world.files.write('keys/alice.pem', old.privateKey);
    await vi.waitFor(
      async () => {
        const over = AbortSignal.timeout(2_000);
        const asked = { agent: 'rpcutil', action: 'ping', targets: [NODE1], expect: 1, signal: over };
        expect(await alice.rpc({ ...asked, timeout: 60_000 })).toHaveLength(1);
      },
      { timeout: 60_000 },
    );
    expect(await later.answered()).toEqual(ANSWERED);
    expect(count(bridge, 'config_applied')).toBe(1);
    expect(count(bridge, 'rejected')).toBe(0);
    await bridge.stop();
  }, 300_000);

  test('of a shared identity: under a new name the next one takes over without a gap', async () => {
    world.files.write('shared.pem', keyPair('shared').privateKey);
    world.files.write('shared-next.pem', keyPair('shared, the next').privateKey);
    let written: BridgeConfig | undefined;
    const file = world.config((base) => {
      written = base;
      return config({ callerid: 'cert=shared', private_key: 'shared.pem' })(base);
    });
    const bridge = await startBridge(file);
    expect(await ping()).toEqual(ANSWERED);
    const waiting = await inFlight('shared');
    await daemon.setClientKey('shared2', keyPair('shared, the next').publicKey);
    expect(await ping()).toEqual(ANSWERED);
    if (written === undefined) throw new Error('there is no configuration');
    const next = config({ callerid: 'cert=shared2', private_key: 'shared-next.pem' })(written);
    world.files.configure(next, basename(file));
    await reload(bridge);
    expect(await ping()).toEqual(ANSWERED);
    await daemon.setClientKey('shared', undefined);
    expect(await ping()).toEqual(ANSWERED);
    expect(await waiting.answered()).toEqual(ANSWERED);
    await bridge.stop();
  }, 300_000);
});

describe('certificates that Choria nodes verify requests with', () => {
  let mixed: MixedWorld;

  beforeAll(async () => {
    mixed = await startMixedWorld({ legacy: [] });
  }, 240_000);

  afterAll(() => mixed?.stop());

  /** The serial numbers of the certificates that requests show in a collective, in order of arrival. */
  const shown = async (collective: string): Promise<readonly string[]> => {
    const serials: string[] = [];
    const watcher = await mixed.world.client({ name: 'watcher.mcollective', federated: false });
    await watcher.subscribe(`${collective}.node.>`, (payload) => {
      const { data } = transport.parse(JSON.parse(payload));
      const { pubcert } = secure.parse(JSON.parse(Buffer.from(data, 'base64').toString()));
      serials.push(new X509Certificate(pubcert).serialNumber);
    });
    return serials;
  };

  /** What the real `mco` of alice gets from one node. */
  const mco = (collective: string, node: string) => mcoPing(mixed.mco.marshal, collective, node);

  const issued = (name: string) => {
    const made = mixed.world.authority.issue({
      commonName: name,
      usages: ['client'],
      keys: keyPair(name + RENEWED),
    });
    return { ...made, serial: new X509Certificate(made.certificate).serialNumber };
  };

  test.each([
    [
      'of a caller, whom the bridge signs as',
      UK_COLLECTIVE,
      'ruby',
      R1,
      'certs/alice.mcollective.pem',
      'certs/alice.mcollective.key',
      'alice.mcollective',
    ],
    [
      'of the bridge, which nodes hold privileged',
      'mcollective',
      'go',
      C1,
      'privileged-cert.pem',
      'privileged-key.pem',
      'mcbridge.privileged.mcollective',
    ],
  ] as const)(
    '%s',
    async (_, collective, fleetName, node, cert, key, name) => {
      const { bridge, fleets, world } = mixed;
      const fleet = fleets[fleetName];
      const serials = await shown(collective);
      expect(await mco(collective, node)).toEqual([[node, 0]]);
      const [old] = serials;
      // One that the node has, and answers once it may.
      fleet.forget();
      const letGo = fleet.hold();
      const waiting = mco(collective, node);
      await vi.waitFor(() => expect(fleet.executions('rpcutil#ping').get(node)).toBe(1));
      const next = issued(name);
      expect(next.serial).not.toBe(old);
      world.files.write(cert, next.certificate);
      world.files.write(key, next.privateKey);
      await reload(bridge);
      expect(serials.at(-1)).toBe(old);
      letGo();
      expect(await waiting).toEqual([[node, 0]]);
      expect(await mco(collective, node)).toEqual([[node, 0]]);
      expect(serials.at(-1)).toBe(next.serial);
      expect(fleet.refused()).toEqual([]);
    },
    300_000,
  );
});
