import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { mcbridge } from '../support/bridge.ts';
import { type Fleet, startFleet } from '../support/choria-fleet.ts';
import { type Mcollectived, type McollectivedOptions, startMcollectived } from '../support/mcollectived.ts';
import { keyPair, makeAuthority } from '../support/pki.ts';
import { type BridgeConfig, SERVER_KEYS, startWorld, type World } from '../support/world.ts';

const BODY = '{"agent":"rpcutil","action":"ping","data":{}}';
const IDENTITY = /choria=(.+)\.mcollective/.source;

let world: World;

beforeAll(async () => {
  world = await startWorld({ nodes: [] });
}, 120_000);

afterAll(() => world?.stop());

const report = z.object({
  findings: z.array(
    z.object({
      status: z.string(),
      message: z.string(),
      detail: z
        .object({
          probe: z.object({
            egress: z.string(),
            collective: z.string(),
            nodes: z.array(z.string()),
            causes: z.array(z.string()).optional(),
            clocks: z.array(z.object({ node: z.string(), seconds: z.number() })),
          }),
        })
        .optional(),
    }),
  ),
});

/** What check makes of the nodes of an egress. */
const probe = async (changes: (config: BridgeConfig) => object, egress: string) => {
  const config = world.config(changes);
  const { stdout } = await mcbridge('check', '--config', config, '--probe', '--timeout', '6', '--json');
  const { findings } = report.parse(JSON.parse(stdout));
  return findings.flatMap(({ status, detail }) =>
    detail?.probe.egress === egress ? [{ status, ...detail.probe }] : [],
  );
};

/** The line of a bridge that a client has asked for nothing. */
const silence = async (changes: (config: BridgeConfig) => object, collective: string) => {
  const bridge = await world.bridge(changes);
  const alice = await world.client({ dialect: 'go' });
  try {
    const request = alice.buildRequest({ agent: 'rpcutil', body: BODY, collective, ttl: 60 });
    await alice.send(request, { timeout: 100 });
    return await bridge.line(({ event }) => event === 'egress_silent', 'that nothing comes back');
  } finally {
    await bridge.stop();
  }
};

/** How many of all nodes answer a client by way of a bridge. */
const answers = async (changes: (config: BridgeConfig) => object): Promise<number> => {
  const bridge = await world.bridge(changes);
  const alice = await world.client({ dialect: 'go' });
  try {
    return (await alice.discover({ collective: 'mcollective', expect: 1, timeout: 20_000 })).length;
  } finally {
    expect(bridge.lines().filter(({ event }) => event === 'egress_silent')).toEqual([]);
    await bridge.stop();
  }
};

describe('legacy nodes', () => {
  const identities = [{ regex: IDENTITY, to: 'cert=$1' }];
  const config = (collective: string) => (given: BridgeConfig) => ({
    ...given,
    egresses: {
      legacy: { ...given.egresses.legacy, discovery: { every: 0, caller: 'cert=alice' } },
    },
    routes: [{ from: 'federation', to: 'legacy', collectives: [collective], identities }],
  });

  const daemon = (options: Partial<McollectivedOptions>): Promise<Mcollectived> => {
    const { port, user, password } = world.activemq;
    return startMcollectived({
      identity: 'd1.example.net',
      activemqPort: port,
      user,
      password,
      serializer: 'marshal',
      mainCollective: 'mcollective',
      collectives: ['mcollective'],
      serverKeys: SERVER_KEYS,
      clientPublicKeys: { alice: keyPair('legacy alice').publicKey },
      facts: {},
      classes: [],
      ...options,
    });
  };

  const ORDER = ['serializer', 'key', 'collective', 'clock', 'nodes'];

  it.each<[string, Partial<McollectivedOptions>, string, RegExp]>([
    ['read another serializer', { serializer: 'yaml' }, 'mcollective', /Failed to handle message/],
    ['lack the key', { clientPublicKeys: {} }, 'mcollective', /Could not find a public key for alice/],
    ['are in another collective', {}, 'uk_collective', /./],
    ['are two hours ahead', { clock: '+2h' }, 'mcollective', /seconds old, TTL is \d+\. Rejecting message/],
    // They answer, and the broker throws their replies away: these say that they have expired.
    ['are two hours behind', { clock: '-2h' }, 'mcollective', /Encoded a message for request/],
  ])('that %s say nothing, and bridge and check say why that may be', async (_, options, collective, log) => {
    const node = await daemon(options);
    try {
      expect(await probe(config(collective), 'legacy')).toMatchObject([
        { status: 'problem', collective, nodes: [], causes: ORDER },
      ]);
      const line = await silence(config(collective), collective);
      expect(line).toMatchObject({ link: 'legacy', requests: 1, causes: ORDER });
      await node.waitFor(log, 60_000);
    } finally {
      await node.stop();
    }
  });

  it('that are less than a ttl behind answer, and check tells of their clock', async () => {
    const node = await daemon({ clock: '-40s' });
    try {
      const [first] = await probe(config('mcollective'), 'legacy');
      expect(first).toMatchObject({
        status: 'ok',
        nodes: ['d1.example.net'],
        clocks: [{ node: 'd1.example.net' }],
      });
      expect(first?.clocks[0]?.seconds).toBeLessThanOrEqual(-35);
    } finally {
      await node.stop();
    }
  });

  it('with whom all is well are found, and nothing is told', async () => {
    const node = await daemon({});
    try {
      expect(await probe(config('mcollective'), 'legacy')).toMatchObject([
        { status: 'ok', nodes: ['d1.example.net'], clocks: [] },
      ]);
      expect(await answers(config('mcollective'))).toBe(1);
    } finally {
      await node.stop();
    }
  });
});

describe('Choria nodes', () => {
  const identities = [{ regex: IDENTITY, to: 'choria=$1.mcollective' }];
  const config = (collective: string) => (given: BridgeConfig) => {
    const { servers, tls } = given.ingresses.federation;
    const signing = { cert: 'privileged-cert.pem', key: 'privileged-key.pem' };
    return {
      ...given,
      egresses: { choria: { type: 'choria-collective', servers, tls, signing } },
      routes: [{ from: 'federation', to: 'choria', collectives: [collective], identities }],
    };
  };

  beforeAll(() => {
    const { authority, files } = world;
    const { certificate, privateKey } = authority.issue({
      commonName: 'mcbridge.privileged.mcollective',
      usages: ['client'],
    });
    files.write('privileged-cert.pem', certificate);
    files.write('privileged-key.pem', privateKey);
  });

  const fleet = (more: { readonly callers?: string; readonly ahead?: number } = {}) => {
    const { authority, nats } = world;
    const { certificate, privateKey } = authority.issue({ commonName: 'nodes.example.net' });
    return startFleet({
      url: nats.url,
      tls: { ca: authority.certificate, cert: certificate, key: privateKey },
      callers: authority.certificate,
      dialect: 'go',
      collectives: ['mcollective'],
      nodes: ['n1.example.net'],
      ...more,
    });
  };

  const ORDER = ['certificate', 'collective', 'clock', 'nodes'];
  const refusals = (nodes: Fleet): string =>
    nodes
      .refused()
      .map(({ why }) => why)
      .join('; ');

  it.each<[string, { readonly foreign?: true; readonly ahead?: number }, string, RegExp]>([
    ['do not trust the certificate', { foreign: true }, 'mcollective', /not by the CA/],
    ['are in another collective', {}, 'uk_collective', /^$/],
    ['are two hours ahead', { ahead: 7_200_000 }, 'mcollective', /expired/],
  ])(
    'that %s say nothing, and bridge and check say why that may be',
    async (_, { foreign, ahead }, collective, why) => {
      const callers = foreign && makeAuthority('another CA').certificate;
      const nodes = await fleet({ ...(callers && { callers }), ...(ahead && { ahead }) });
      try {
        expect(await probe(config(collective), 'choria')).toMatchObject([
          { status: 'problem', collective, nodes: [], causes: ORDER },
        ]);
        const line = await silence(config(collective), collective);
        expect(line).toMatchObject({ link: 'choria', requests: 1, causes: ORDER });
        expect(refusals(nodes)).toMatch(why);
      } finally {
        await nodes.close();
      }
    },
  );

  it('with whom all is well are found, and nothing is told', async () => {
    const nodes = await fleet();
    try {
      expect(await probe(config('mcollective'), 'choria')).toMatchObject([
        { status: 'ok', nodes: ['n1.example.net'], clocks: [] },
      ]);
    } finally {
      await nodes.close();
    }
  });
});

it('where two instances share the replies, ten requests are told of, and that the other may have got some', async () => {
  const two = await Promise.all(
    [0, 1].map(() => world.bridge((config) => ({ ...config, statistics: { interval: '2s' } }))),
  );
  const alice = await world.client({ dialect: 'go' });
  try {
    const targets = ['nobody.example.net'];
    const ask = () => alice.buildRequest({ agent: 'rpcutil', body: BODY, targets, ttl: 60 });
    // The server gives each to one of both.
    await Promise.all(Array.from({ length: 30 }, () => alice.send(ask(), { timeout: 100 })));
    const line = await Promise.any(
      two.map((bridge) => bridge.line(({ event }) => event === 'egress_silent', 'that nothing comes back')),
    );
    expect(line['requests']).toBeGreaterThanOrEqual(10);
    expect(line.msg).toMatch(/^this instance has seen none: .* another instance of the cluster may have got/);
  } finally {
    await Promise.all(two.map((bridge) => bridge.stop()));
  }
});
