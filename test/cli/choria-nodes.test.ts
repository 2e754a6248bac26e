import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mcbridge } from '../support/bridge.ts';
import { EAST, type FederationWorld, startFederationWorld, WEST } from '../support/federation-world.ts';
import { CLUSTER } from '../support/world.ts';

let federation: FederationWorld;
let connection: readonly string[];

beforeAll(async () => {
  federation = await startFederationWorld([]);
  const { authority, files, nats } = federation.world;
  const { certificate, privateKey } = authority.issue({ commonName: 'alice.mcollective' });
  files.write('alice.pem', certificate);
  files.write('alice.key', privateKey);
  const file = (name: string): string => `${files.folder}/${name}`;
  connection = [
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
    ...['--federation', CLUSTER],
  ];
});

afterAll(() => federation.stop());

const run = (...args: readonly string[]) => mcbridge(...args, ...connection);

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
