import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../support/program.ts';
import { NODE1, NODE2, NODE3 } from '../support/world.ts';
import { type ClientWorld, startClientWorld } from './client-world.ts';

let world: ClientWorld;

beforeAll(async () => {
  world = await startClientWorld({ nodes: [NODE1, NODE2, NODE3] });
  await world.bridge();
});

afterAll(() => world.stop());

const nodesIn = (stdout: string): readonly string[] =>
  stdout
    .split('\n')
    .flatMap((line) => /^(\S+) +time=\d+\.\d\d ms$/.exec(line)?.[1] ?? [])
    .sort();

describe('mcbridge ping', () => {
  test.each(['go', 'ruby'])(
    'lists who answers with its time, and a summary, in the dialect of %s',
    async (dialect) => {
      const { status, stdout, stderr } = await world.asAlice('ping', '--dialect', dialect);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(nodesIn(stdout)).toEqual([NODE1, NODE2, NODE3]);
      expect(stdout).toMatch(
        /\n\n---- ping statistics ----\n3 replies max: \d+\.\d\d min: \d+\.\d\d avg: \d+\.\d\d\nrequest [\da-f]{32}\n$/,
      );
    },
  );

  test('says whom a filter leaves out that legacy nodes cannot be asked', async () => {
    const { stdout, stderr } = await world.asAlice('ping', '-F', 'load>1.5');
    expect(nodesIn(stdout)).toEqual([]);
    expect(stderr).toMatch(
      /^Nodes of legacy collectives are left out, if there are any: "load>1\.5" in the fact/m,
    );
  });

  test.each([
    [
      ['-F', 'country=uk'],
      [NODE1, NODE3],
    ],
    [['-F', 'country!=uk'], [NODE2]],
    [['-F', 'cores>=4', '-F', 'cores<16'], [NODE1]],
    [
      ['-F', 'osfamily=/^(Deb|Red)/'],
      [NODE1, NODE2],
    ],
    [['-F', 'osfamily=~BSD'], [NODE3]],
    [
      ['-C', 'settings'],
      [NODE1, NODE2],
    ],
    [['-C', '/^my/', '-C', 'settings'], [NODE2]],
    [
      ['-I', NODE1, '-I', NODE3],
      [NODE1, NODE3],
    ],
    [['-I', '/node[12]/', '-F', 'country=mt'], [NODE2]],
  ])('finds just the nodes that %j fits', async (filters, expected) => {
    const { status, stdout } = await world.asAlice('ping', ...filters);
    expect(status).toBe(0);
    expect(nodesIn(stdout)).toEqual(expected);
  });

  test('prints JSON', async () => {
    const { stdout } = await world.asAlice('ping', '-I', NODE1, '--json');
    expect(JSON.parse(stdout)).toEqual({
      requestId: expect.stringMatching(/^[0-9a-f]{32}$/),
      replies: [{ node: NODE1, milliseconds: expect.any(Number) }],
      summary: { replies: 1, min: expect.any(Number), avg: expect.any(Number), max: expect.any(Number) },
    });
  });

  test('takes servers, TLS files and the cluster from a configuration', async () => {
    const [, , , , cert = '', certFile = '', key = '', keyFile = ''] = world.connect();
    const config = world.config();
    const { status, stdout } = await program('ping', '-c', config, cert, certFile, key, keyFile, '-I', NODE2);
    expect({ status, nodes: nodesIn(stdout) }).toEqual({ status: 0, nodes: [NODE2] });
  });

  test('exits with 1 when nobody answers', async () => {
    const { status, stdout } = await world.asAlice('ping', '-F', 'country=nowhere', '--timeout', '0.5');
    expect({ status, stdout }).toEqual({
      status: 1,
      stdout: expect.stringMatching(/^No node answered within 0\.5 s \(request [\da-f]{32}\)\.\n$/),
    });
  });

  test('says at once that no broker of the cluster listens', async () => {
    const { status, stderr } = await program(
      ...['ping', ...world.connect(), '--federation', 'nonesuch', '--timeout', '600'],
    );
    expect(status).toBe(1);
    expect(stderr).toBe(
      'mcbridge: nobody listens to choria.federation.nonesuch.federation: is a broker of that cluster running and connected?\n',
    );
  });

  test('says what is wrong with a connection', async () => {
    const other = ['--ca', `${world.files.folder}/server-public.pem`];
    const { status, stderr } = await program('ping', ...world.connect(), ...other);
    expect(status).toBe(3);
    expect(stderr).toMatch(/^mcbridge: tls:\/\/127\.0\.0\.1:\d+: --ca holds no certificate in PEM\n/);
  });
});
