import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Language, makeForeignClient } from '../support/foreign-client.ts';
import { DISCOVERY } from '../support/mcollectived.ts';
import {
  C1,
  C2,
  C3,
  type MixedWorld,
  R1,
  R2,
  startMixedWorld,
  UK_COLLECTIVE,
} from '../support/mixed-world.ts';
import { NODE1, NODE2, YAML_NODE } from '../support/world.ts';

let mixed: MixedWorld;

beforeAll(async () => {
  mixed = await startMixedWorld({
    legacy: [NODE1, NODE2, YAML_NODE],
    changes: ({ ingresses, ...config }) => ({
      ...config,
      ingresses: {
        ...ingresses,
        mco_yaml: { ...ingresses.mco_yaml, callers: { keys_dir: 'clients', enforce_ttl: false } },
      },
    }),
  });
});

afterAll(() => mixed.stop());

/** Names at the beginnings of lines, as often as they stand there. */
const namesIn = (output: string): readonly string[] =>
  output
    .split('\n')
    .map((line) => /^([\w.-]+\.example\.net)\b/.exec(line.trim())?.[1])
    .filter((name) => name !== undefined)
    .toSorted();

/** Both kinds of nodes that fit. */
const find = async (...args: readonly string[]): Promise<readonly string[]> => {
  const { stdout } = await mixed.mco.marshal.run('find', ...args, ...DISCOVERY);
  return namesIn(stdout);
};

describe.concurrent('an unmodified mco', () => {
  test('pings legacy and Choria nodes side by side, each once', async () => {
    const { stdout } = await mixed.mco.marshal.run('ping', ...DISCOVERY);
    expect(namesIn(stdout)).toEqual([C1, C2, C3, NODE1, NODE2]);
  });

  test('pings both kinds in the YAML collective', async () => {
    const { stdout } = await mixed.mco.yaml.run('ping', ...DISCOVERY);
    expect(namesIn(stdout)).toEqual([C1, C2, C3, YAML_NODE]);
  });

  test('pings both kinds in a sub-collective, in which nodes speak the other dialect', async () => {
    const { stdout } = await mixed.mco.marshal.run('ping', '-T', UK_COLLECTIVE, ...DISCOVERY);
    expect(namesIn(stdout)).toEqual([NODE1, NODE2, R1, R2]);
  });

  const filters: readonly [what: string, args: readonly string[], found: readonly string[]][] = [
    ['no filter', [], [C1, C2, C3, NODE1, NODE2]],
    ['a fact', ['-F', 'country=uk'], [C1, C3, NODE1]],
    ['a fact that is not', ['-F', 'country!=uk'], [C2, NODE2]],
    ['a fact by regular expression', ['-F', 'osfamily=/^Red/'], [C2, NODE2]],
    ['a fact in another case, which Go’s nodes alone would take for the same', ['-F', 'country=UK'], []],
    ['a fact that is not what it is in another case', ['-F', 'country!=UK'], [C1, C2, C3, NODE1, NODE2]],
    ['a fact by comparison, by which Go’s nodes put 16 before 4', ['-F', 'cores>=4'], [C1, C2, NODE1, NODE2]],
    ['a class in another case', ['-C', 'APACHE'], []],
    ['a class by regular expression in another case', ['-C', '/^MY/'], []],
    ['facts and a class', ['-F', 'country=uk', '-F', 'cores<16', '-C', 'apache'], [C1, NODE1]],
    ['a class', ['-C', 'apache'], [C1, NODE1]],
    ['a class by regular expression', ['-C', '/^my/'], [C2, NODE2]],
    ['an agent', ['-A', 'echo'], [C1, C2, C3, NODE1, NODE2]],
    ['an agent that nobody has', ['-A', 'nosuch'], []],
    ['an identity', ['-I', C2], [C2]],
    ['an identity by regular expression', ['-I', '/^(c|node)1/'], [C1, NODE1]],
    ['a compound filter', ['-S', 'country=uk and !nginx'], [C1, NODE1]],
    ['a compound filter with or', ['-S', 'country=mt or apache'], [C1, C2, NODE1, NODE2]],
    ['a compound filter with parentheses', ['-S', '(country=uk or country=mt) and not settings'], [C3]],
    ['a compound filter by regular expressions', ['-S', 'osfamily=/^(Deb|Free)/ and /a/'], [C1, NODE1]],
  ];
  test.each(filters)('finds the nodes of both kinds by %s', async (_, args, found) => {
    expect(await find(...args)).toEqual(found);
  });

  test('finds nodes of Ruby by a compound filter, whose form these take', async () => {
    const { stdout } = await mixed.mco.marshal.run(
      'find',
      '-T',
      UK_COLLECTIVE,
      '-S',
      'country=uk and not mysql',
      ...DISCOVERY,
    );
    expect(namesIn(stdout)).toEqual([NODE1, R1]);
  });

  test('shows facts of both', async () => {
    const { stdout } = await mixed.mco.marshal.run('facts', 'country', '-v', ...DISCOVERY);
    for (const node of [C1, C2, C3, NODE1, NODE2]) expect(stdout).toContain(node);
    expect(stdout).toMatch(/uk\s+found 3 times/);
    expect(stdout).toMatch(/mt\s+found 2 times/);
  });

  test.each([C2, NODE2])('shows the inventory of %s', async (node) => {
    const { stdout, stderr } = await mixed.mco.marshal.run('inventory', node);
    expect(stderr).toBe('');
    expect(stdout).toContain(`Inventory for ${node}:`);
    expect(stdout).toMatch(/Processor Time: [\d.]+ seconds/);
    expect(stdout).toMatch(/rpcutil/);
    expect(stdout).toMatch(/mysql/);
    expect(stdout).toMatch(/osfamily => RedHat/);
  });

  test('calls an agent of one node by its name', async () => {
    const { stdout } = await mixed.mco.marshal.run(
      'rpc',
      'rpcutil',
      'get_fact',
      'fact=osfamily',
      '-I',
      C3,
      '-j',
    );
    expect(JSON.parse(stdout)).toEqual([
      {
        agent: 'rpcutil',
        action: 'get_fact',
        sender: C3,
        statuscode: 0,
        statusmsg: 'OK',
        data: { fact: 'osfamily', value: 'FreeBSD' },
      },
    ]);
  });

  test.sequential('calls an agent of all nodes, once each', async () => {
    mixed.fleets.go.forget();
    const { stdout } = await mixed.mco.marshal.run('rpc', 'rpcutil', 'ping', '-j');
    const replies: readonly { sender: string; statuscode: number; data: { pong: number } }[] =
      JSON.parse(stdout);
    expect(replies.map(({ sender }) => sender).toSorted()).toEqual([C1, C2, C3, NODE1, NODE2]);
    for (const { statuscode, data } of replies) {
      expect(statuscode).toBe(0);
      expect(data.pong).toBeGreaterThan(1_700_000_000);
    }
    expect(mixed.fleets.go.executions('rpcutil#ping')).toEqual(
      new Map([C1, C2, C3].map((node) => [node, 1])),
    );
  });

  test.sequential('is told by name who calls, after the mapping', async () => {
    mixed.fleets.go.forget();
    await mixed.mco.marshal.run('rpc', 'rpcutil', 'ping', '-I', C1);
    expect(mixed.fleets.go.received().map(({ caller }) => caller)).toContain('choria=alice.mcollective');
    expect(mixed.fleets.go.refused()).toEqual([]);
  });

  test('is told when a caller is not known', async () => {
    const stranger = await mixed.client('stranger');
    const { stdout } = await stranger.run('rpc', 'rpcutil', 'ping', '-I', C1, '--dm', 'mc', '--dt', '1');
    expect(stdout).not.toMatch(/pong/i);
    await mixed.bridge.line(({ reason }) => reason === 'caller_not_allowed', 'the refusal');
  });
});

describe.each<Language>(['Python', 'Perl'])('a client in %s', (language) => {
  const ALL = [C1, C2, C3, YAML_NODE];
  let ask: ReturnType<typeof makeForeignClient>;

  beforeAll(() => {
    const { activemq, files } = mixed.world;
    const { port, user, password } = activemq;
    ask = makeForeignClient(language, {
      port,
      user,
      password,
      key: join(files.folder, 'keys/alice.pem'),
      serverKey: join(files.folder, 'server-public.pem'),
      caller: 'cert=alice',
    });
  });

  test.concurrent.each([
    'da39a3ee5e6b4b0d3255bfef95601890afd80709',
    '550e8400-e29b-41d4-a716-446655440000',
    '2QwSJmBTkBVo0qJdNDaBmI6nS9V',
    'x',
    '12345678901234567890123456789012345',
    ':of_a_symbol',
  ])('has its request id %s back, from Choria nodes as from legacy ones', async (id) => {
    const replies = await ask({ agent: 'rpcutil', id, expect: ALL.length });
    expect(replies.map(({ sender }) => sender)).toEqual(ALL);
    for (const reply of replies) expect(reply.id.replaceAll(/^['"]|['"]$/g, '')).toBe(id);
  });

  test.concurrent('may sign a bare ping, which daemons take unless enforce_ttl is set', async () => {
    const replies = await ask({ agent: 'discovery', id: 'bare1', bare: true, expect: ALL.length });
    expect(replies.map(({ sender }) => sender)).toEqual(ALL);
  });

  test.concurrent('may sign a bare hash', async () => {
    const replies = await ask({ agent: 'rpcutil', id: 'bare2', bare: true, expect: ALL.length - 1 });
    // The daemon takes it with `enforce_ttl = 0` alone.
    expect(replies.map(({ sender }) => sender)).toEqual([C1, C2, C3]);
  });

  test.concurrent.each([90, 7_200])('is answered by all with a clock that is %i s fast', async (clock) => {
    const replies = await ask({ agent: 'rpcutil', id: `fast${clock}`, clock, expect: ALL.length });
    expect(replies.map(({ sender }) => sender)).toEqual(ALL);
  });

  test.concurrent('is told by how much its clock is slow', async () => {
    const [reply] = await ask({ agent: 'rpcutil', id: 'slow', clock: -7_200, expect: 1 });
    expect(reply?.sender).not.toMatch(/^(c\d|yaml1)/);
    expect(reply?.text).toMatch(/72\d\d s behind this bridge's clock/);
  });
});

test('a client in Perl with the PSK plugin, which has no key of its own, is told that it is not known', async () => {
  const { activemq, files } = mixed.world;
  const { port, user, password } = activemq;
  const key = join(files.folder, 'keys/alice.pem');
  const serverKey = join(files.folder, 'server-public.pem');
  const ask = makeForeignClient('Perl', { port, user, password, key, serverKey, caller: 'uid=500' });
  const [reply] = await ask({ agent: 'rpcutil', id: 'psk', psk: 'a shared secret', expect: 1 });
  expect(reply?.sender).not.toMatch(/^(c\d|yaml1)/);
  expect(reply?.text).toMatch(/\(caller_not_allowed\)/);
});

test('an mco whose clock is two hours fast reaches nodes of both kinds', async () => {
  const client = await mixed.client('alice', {}, '+2h');
  const { stdout } = await client.run('rpc', 'rpcutil', 'ping', '-I', C1, '-I', NODE1, '-j', ...DISCOVERY);
  const replies: readonly { readonly sender: string; readonly statuscode: number }[] = JSON.parse(stdout);
  expect(replies.map(({ sender, statuscode }) => `${sender} ${statuscode}`).toSorted()).toEqual([
    `${C1} 0`,
    `${NODE1} 0`,
  ]);
});
