import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { mcbridge } from '../support/bridge.ts';
import { keyPair } from '../support/pki.ts';
import { type BridgeConfig, NODE1, startWorld, type World, YAML_COLLECTIVE } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld({ nodes: [NODE1] });
}, 120_000);

afterAll(() => world?.stop());

const report = z.object({
  findings: z.array(
    z.object({
      status: z.string(),
      message: z.string(),
      mend: z.string().optional(),
      detail: z
        .object({
          probe: z.object({
            collective: z.string(),
            as: z.string().optional(),
            nodes: z.array(z.string()).optional(),
            causes: z.array(z.string()).optional(),
            unread: z.array(z.object({ reason: z.string(), senders: z.array(z.string()) })).optional(),
          }),
        })
        .optional(),
    }),
  ),
});

/** The bridge asks in a name whose key the daemons have. */
const asking = (config: BridgeConfig, caller = 'cert=alice') => ({
  ...config,
  egresses: {
    ...config.egresses,
    legacy: { ...config.egresses.legacy, discovery: { every: 0, caller } },
    legacy_yaml: { ...config.egresses.legacy_yaml, discovery: { every: 0, caller } },
  },
});

/** @param caller the one of an ingress in whose name is asked; the bridge's own unless told */
const probe = async (changes: (config: BridgeConfig) => object, caller?: string) => {
  const config = world.config(changes);
  const { status, stdout } = await mcbridge(
    'check',
    '--config',
    config,
    '--probe',
    '--timeout',
    '4',
    '--json',
    ...(caller === undefined ? [] : ['--as', caller]),
  );
  const { findings } = report.parse(JSON.parse(stdout));
  const probes = findings.flatMap(({ status: verdict, mend, detail }) =>
    detail === undefined ? [] : [{ verdict, mend, ...detail.probe }],
  );
  const messages = findings.map(({ message }) => message);
  const silent = probes.filter(({ verdict }) => verdict !== 'ok');
  return {
    status,
    messages,
    silent,
    of: (collective: string) => probes.find((one) => one.collective === collective),
  };
};

describe('mcbridge check --probe, of a real daemon,', () => {
  it('finds it, and where nobody answers says why that may be, while a bridge of the cluster loses nothing', async () => {
    const bridge = await world.bridge((config) => asking(config));
    const alice = await world.client({ dialect: 'go' });
    let isOver = false;
    const probing = probe((config) => asking(config)).finally(() => {
      isOver = true;
    });
    let asked = 0;
    do {
      asked++;
      const replies = await alice.rpc({ agent: 'rpcutil', action: 'ping', targets: [NODE1], expect: 1 });
      expect(replies).toHaveLength(1);
    } while (!isOver);
    const { status, of } = await probing;
    expect(asked).toBeGreaterThan(1);
    expect(status).toBe(1);
    expect(of('mcollective')).toMatchObject({ verdict: 'ok', nodes: [NODE1] });
    expect(of('uk_collective')).toMatchObject({ verdict: 'ok', nodes: [NODE1] });
    expect(of(YAML_COLLECTIVE)).toMatchObject({
      verdict: 'problem',
      mend: expect.stringMatching(/^it may be, in this order: \(1\) the daemons read another form than yaml/),
      causes: ['serializer', 'key', 'collective', 'clock', 'nodes'],
    });
    expect(bridge.lines().filter(({ event }) => event === 'rejected')).toEqual([]);
    await bridge.stop();
  });

  it('tells of a server key that is not the daemons’', async () => {
    world.files.write('other-public.pem', keyPair('somebody else').publicKey);
    const { of } = await probe((config) => {
      const { legacy } = asking(config).egresses;
      return {
        ...config,
        egresses: { ...config.egresses, legacy: { ...legacy, server_public_key: 'other-public.pem' } },
      };
    });
    expect(of('mcollective')).toMatchObject({
      verdict: 'problem',
      unread: [{ reason: 'invalid_signature', senders: [NODE1] }],
      causes: ['server_key', 'serializer', 'key', 'collective', 'clock', 'nodes'],
    });
  });
});

/** Only the Marshal daemons are there to be asked. */
const marshalOnly = (config: BridgeConfig) => {
  const { legacy } = config.egresses;
  // Nobody asks in the bridge's own name, for which the daemons have no key.
  return {
    ...config,
    egresses: { legacy: { ...legacy, discovery: { every: 0 } } },
    routes: config.routes.filter(({ to }) => to === 'legacy'),
  };
};

describe('mcbridge check --probe --as CALLER, of a real daemon,', () => {
  it('asks with the key of the caller as the routes map him, where the bridge has no name of its own there', async () => {
    const { of, silent } = await probe(marshalOnly, 'choria=alice.mcollective');
    for (const collective of ['mcollective', 'uk_collective'])
      expect(of(collective)).toMatchObject({ verdict: 'ok', as: 'cert=alice', nodes: [NODE1] });
    expect(silent).toEqual([]);
    const own = await probe(marshalOnly);
    expect(own.of('mcollective')?.verdict).not.toBe('ok');
  });

  it('gets no answer for a caller whose key the daemon does not have, and says that of the key', async () => {
    const [daemon] = world.daemons;
    const before = daemon?.log().length ?? 0;
    const { status, of } = await probe(marshalOnly, 'choria=stranger.mcollective');
    expect(status).toBe(1);
    expect(of('mcollective')).toMatchObject({ verdict: 'problem', as: 'cert=stranger', nodes: [] });
    expect(of('mcollective')?.causes).toContain('key');
    await vi.waitFor(() => expect(daemon?.log().slice(before)).toMatch(/stranger/));
  });

  it('says that the bridge has no key for a caller, and that no route lets another one pass', async () => {
    const keyless = await probe(marshalOnly, 'choria=nokey.mcollective');
    expect(keyless.status).toBe(1);
    expect(keyless.messages).toContainEqual(
      expect.stringMatching(
        /nobody could be asked in the collective mcollective as cert=nobody: .*nobody\.pem/,
      ),
    );
    const boss = await probe(marshalOnly, 'choria=boss.mcollective');
    expect(boss.status).toBe(1);
    expect(boss.messages).toContainEqual(
      expect.stringContaining('nobody can be asked in the name of "choria=boss.mcollective"'),
    );
  });
});

describe('a bridge from whose egress nothing comes back', () => {
  it('says so within the ttl, with what may be the cause', async () => {
    const bridge = await world.bridge((config) => ({
      ...config,
      egresses: { ...config.egresses, legacy: { ...config.egresses.legacy, serializer: 'yaml' } },
    }));
    const alice = await world.client({ dialect: 'go' });
    const body = '{"agent":"rpcutil","action":"ping","data":{}}';
    const ask = alice.buildRequest({ agent: 'rpcutil', body, targets: [NODE1], ttl: 30 });
    const answers = alice.send(ask, { timeout: 1_000 });
    const line = await bridge.line(({ event }) => event === 'egress_silent', 'that nothing comes back');
    expect(line).toMatchObject({
      level: 'warn',
      link: 'legacy',
      requests: 1,
      known_nodes: 0,
      causes: ['serializer', 'key', 'collective', 'clock', 'nodes'],
    });
    expect(
      Date.parse(z.string().parse(line['time'])) - Date.parse(z.string().parse(line['since'])),
    ).toBeLessThan(30_000);
    expect(await answers).toEqual([]);
    await bridge.stop();
  });

  it('leaves out what cannot be where it knows nodes there', async () => {
    const bridge = await world.bridge((config) => {
      const known = asking(config);
      const { legacy } = known.egresses;
      const discovery = { every: '2s', caller: 'cert=alice' };
      return {
        ...known,
        egresses: { ...known.egresses, legacy: { ...legacy, discovery } },
      };
    });
    const stranger = await world.client({ name: 'stranger.mcollective' });
    const body = '{"agent":"rpcutil","action":"ping","data":{}}';
    await stranger.send(stranger.buildRequest({ agent: 'rpcutil', body, targets: [NODE1], ttl: 30 }), {
      timeout: 100,
    });
    const line = await bridge.line(({ event }) => event === 'egress_silent', 'that nothing comes back');
    expect(line).toMatchObject({ link: 'legacy', known_nodes: 1, causes: ['key', 'clock'] });
    await bridge.stop();
  });
});
