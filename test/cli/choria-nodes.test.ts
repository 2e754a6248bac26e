import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/choria-fleet.ts';
import { EAST, type FederationWorld, startFederationWorld, WEST } from '../support/federation-world.ts';
import { program } from '../support/program.ts';
import { CLUSTER } from '../support/world.ts';

/** Nodes of both kinds in one collective, behind the bridge and beside the client. */
const BEHIND = ['r.both.example.net', 'g.both.example.net'];
const BESIDE = ['r.mixed.example.net', 'g.mixed.example.net'];

let federation: FederationWorld;
let direct: readonly string[];
let connection: readonly string[];
let beside: Fleet;

beforeAll(async () => {
  federation = await startFederationWorld([]);
  const { authority, files, nats } = federation.world;
  const { certificate, privateKey } = authority.issue({ commonName: 'alice.mcollective' });
  files.write('alice.pem', certificate);
  files.write('alice.key', privateKey);
  const file = (name: string): string => `${files.folder}/${name}`;
  direct = [
    ...[
      '--server',
      nats.url,
      '--ca',
      file('ca.pem'),
      '--cert',
      file('alice.pem'),
      '--key',
      file('alice.key'),
    ],
  ];
  connection = [...direct, '--federation', CLUSTER];
  const node = authority.issue({ commonName: 'nodes.example.net' });
  const both = (names: readonly string[], collective: string) =>
    names.map((identity, i) => ({
      identity,
      collectives: [collective],
      ...(i === 0 ? ({ dialect: 'ruby' } as const) : ({ dialect: 'go', recordsAlways: true } as const)),
    }));
  for (const one of both(BEHIND, 'both')) await federation.fleets.east.add(one);
  beside = await startFleet({
    url: nats.url,
    tls: { ca: authority.certificate, cert: node.certificate, key: node.privateKey },
    callers: authority.certificate,
    dialect: 'ruby',
    collectives: ['mixed'],
    nodes: both(BESIDE, 'mixed'),
  });
});

afterAll(async () => {
  await beside.close();
  await federation.stop();
});

const run = (...args: readonly string[]) => program(...args, ...connection);

describe('the client commands, of Choria nodes behind a Federation Broker', () => {
  test.each([
    ['east', 'ruby', EAST[0] ?? ''],
    ['west', 'go', WEST[0] ?? ''],
  ])(
    'trace draws the way to a node in the %s, of the dialect of %s, and back',
    async (side, dialect, node) => {
      const { status, stdout, stderr } = await run(
        'federation',
        'trace',
        node,
        '-T',
        side,
        '--dialect',
        dialect,
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const member = side === 'east' ? federation.east : federation.west;
      expect(stdout.replace(/[\d.]+ ms/, 'N ms')).toBe(
        [
          `✓ ${node} answered through the cluster ${CLUSTER} in N ms`,
          '',
          'The way out',
          '  alice.mcollective (client)',
          `  └─ ${federation.world.nats.url}`,
          `     └─ ${CLUSTER}:1 (broker)`,
          `        └─ ${member.nats.url}`,
          `           └─ ${node} (node)`,
          '',
          'The way back',
          `  ${node} (node)`,
          `  └─ ${member.nats.url}`,
          `     └─ ${CLUSTER}:1 (broker)`,
          `        └─ ${federation.world.nats.url}`,
          '           └─ alice.mcollective (client)',
          '',
        ].join('\n'),
      );
    },
  );

  test('ping finds the nodes of one member only', async () => {
    const { status, stdout } = await run('ping', '-T', 'west', '--json');
    expect(status).toBe(0);
    const { replies }: { replies: readonly { node: string }[] } = JSON.parse(stdout);
    expect(replies.map(({ node }) => node).toSorted()).toEqual(WEST.toSorted());
  });

  test('rpc reaches named nodes and names the one that is not there', async () => {
    const targets = [...EAST.slice(0, 2), 'ghost.east.example.net'].flatMap((node) => ['--target', node]);
    const { status, stdout } = await run(
      'rpc',
      'rpcutil',
      'ping',
      '-T',
      'east',
      '--timeout',
      '2',
      ...targets,
    );
    expect(status).toBe(1);
    expect(stdout).toMatch(/2 of 3 nodes answered, 2 ok.*no reply from ghost\.east\.example\.net/);
  });
});

describe.each([
  ['behind a Federation Broker', BEHIND, () => [...connection, '-T', 'both'], () => federation.fleets.east],
  ['on the client’s own network', BESIDE, () => [...direct, '-T', 'mixed'], () => beside],
] as const)(
  'the client commands, of nodes of Ruby and Go in one collective %s',
  (_, nodes, options, fleet) => {
    const ask = (...args: readonly string[]) => program(...args, ...options());

    test('ping finds both without an option', async () => {
      const { status, stdout, stderr } = await ask('ping', '--json');
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const { replies }: { replies: readonly { node: string }[] } = JSON.parse(stdout);
      expect(replies.map(({ node }) => node).toSorted()).toEqual(nodes.toSorted());
    });

    test.each(['go', 'ruby'])('ping finds both as a client of %s does', async (dialect) => {
      const { stdout } = await ask('ping', '--json', '--dialect', dialect);
      expect(JSON.parse(stdout).replies).toHaveLength(2);
    });

    test('rpc runs once on each', async () => {
      fleet().forget();
      const { status, stdout, stderr } = await ask('rpc', 'rpcutil', 'ping', '--json');
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const { replies } = JSON.parse(stdout);
      expect(replies.map(({ status }: { status: number }) => status)).toEqual([0, 0]);
      expect([...fleet().executions('rpcutil#ping')].toSorted()).toEqual(
        nodes.map((node) => [node, 1]).toSorted(),
      );
    });

    test.each(nodes)('trace draws the way to %s', async (node) => {
      const { status, stdout, stderr } = await ask('federation', 'trace', node);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toContain(`└─ ${node} (node)`);
    });
  },
);
