import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../support/program.ts';
import { CLUSTER, NODE1 } from '../support/world.ts';
import { type ClientWorld, startClientWorld } from './client-world.ts';

let world: ClientWorld;

beforeAll(async () => {
  world = await startClientWorld({ nodes: [NODE1] });
  await world.bridge();
});

afterAll(() => world.stop());

const trace = (...args: readonly string[]) => world.asAlice('federation', 'trace', ...args);
const stomp = () => `stomp://127.0.0.1:${world.activemq.port}`;

describe('mcbridge federation trace', () => {
  test.each(['go', 'ruby'])(
    'draws the way to a legacy node and back, in the dialect of %s',
    async (dialect) => {
      const { status, stdout, stderr } = await trace(NODE1, '--dialect', dialect);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout.replace(/[\d.]+ ms/, 'N ms')).toBe(
        [
          `✓ ${NODE1} answered through the cluster ${CLUSTER} in N ms`,
          '',
          'The way out',
          '  alice.mcollective (client)',
          `  └─ ${world.nats.url}`,
          `     └─ ${CLUSTER}:1 (broker)`,
          `        └─ ${stomp()}`,
          `           └─ /queue/mcollective.nodes, mc_identity: ${NODE1}`,
          `              └─ ${NODE1} (node)`,
          '',
          'The way back',
          `  ${NODE1} (node)`,
          `  └─ /queue/mcollective.reply.${CLUSTER}.<reply token>`,
          `     └─ ${stomp()}`,
          `        └─ ${CLUSTER}:1 (broker)`,
          `           └─ ${world.nats.url}`,
          '              └─ alice.mcollective (client)',
          '',
          'Legacy nodes record no hops: the bridge has written theirs, and the destinations are those of the protocol.',
          '',
        ].join('\n'),
      );
    },
  );

  test('prints JSON', async () => {
    const { stdout } = await trace(NODE1, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      node: NODE1,
      answered: true,
      traces: [
        {
          cluster: CLUSTER,
          answered: true,
          legacy: true,
          milliseconds: expect.any(Number),
          out: expect.arrayContaining([{ kind: 'broker', name: `${CLUSTER}:1` }]),
        },
      ],
    });
  });

  test('says of a node that is not there that the broker is, and what to check', async () => {
    const { status, stdout } = await trace('ghost.example.net', '--timeout', '1');
    expect(status).toBe(1);
    expect(stdout).toContain('✗ ghost.example.net did not answer through the cluster production');
    expect(stdout).toContain(
      `The request is known to have reached the cluster production: production:1 is alive.`,
    );
    expect(stdout).toContain("is ghost.example.net the node's identity, to the letter");
  });

  test('says that nobody of a cluster listens, beside one that answers', async () => {
    const { status, stdout } = await program(
      ...['federation', 'trace', NODE1, ...world.connect(), '--federation', `nonesuch,${CLUSTER}`],
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /reached the server \S+; nobody listens to choria\.federation\.nonesuch\.federation\./,
    );
    expect(stdout).toContain(`✓ ${NODE1} answered through the cluster ${CLUSTER}`);
  });

  test('says that nobody listens where a node without a federation would', async () => {
    const { status, stdout, stderr } = await program('federation', 'trace', NODE1, ...world.connect());
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(stdout).toMatch(
      /reached the server \S+; nobody listens to mcollective\.node\.node1\.example\.net\./,
    );
    expect(stdout).toContain('needs --federation <cluster>');
  });

  test('tells why a broker refuses the caller', async () => {
    const { status, stdout } = await program(
      ...['federation', 'trace', NODE1, '--federation', CLUSTER, '--timeout', '1'],
      ...world.connect('guest.choria'),
    );
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /reached bridge1\.example\.net, which refuses it: .*no identity rule maps choria=guest/,
    );
  });
});
