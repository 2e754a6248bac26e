import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quoted } from '../../src/envelope/text.ts';
import { type BridgeProcess, stopAndCount } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import type { ChoriaFilter } from '../support/choria-messages.ts';
import { DISCOVERY, makeMcoClient } from '../support/mcollectived.ts';
import { keyPair } from '../support/pki.ts';
import {
  NODE1,
  NODE2,
  NODE3,
  SERVER_KEYS,
  startWorld,
  type World,
  YAML_COLLECTIVE,
  YAML_NODE,
} from '../support/world.ts';

/** How long a request waits for nodes that are not to answer it. */
const LISTEN_MS = 2_500;

let world: World;
let bridge: BridgeProcess;
const clients: Partial<Record<'ruby' | 'go', ChoriaClient>> = {};

const client = (dialect: 'ruby' | 'go'): ChoriaClient => {
  const one = clients[dialect];
  if (one === undefined) throw new Error('not connected');
  return one;
};

beforeAll(async () => {
  world = await startWorld();
  bridge = await world.bridge();
  for (const dialect of ['ruby', 'go'] as const) clients[dialect] = await world.client({ dialect });
});

afterAll(() => world.stop());

const fact = (name: string, operator: string, value: string): ChoriaFilter => ({
  fact: [{ fact: name, operator, value }],
});

/** A compound filter as go-choria has it: one expression. */
const compound = (expr: string): ChoriaFilter => ({ compound: [[{ expr }]] });

// Most of them wait for whoever else might answer: they do so together.
describe.concurrent.each(['ruby', 'go'] as const)('a client of the %s dialect', (dialect) => {
  const filters: readonly [what: string, filter: ChoriaFilter, found: readonly string[]][] = [
    ['an empty filter', {}, [NODE1, NODE2, NODE3]],
    ['a fact', fact('country', '==', 'uk'), [NODE1, NODE3]],
    ['a fact that is not', fact('country', '!=', 'uk'), [NODE2]],
    ['a fact by regular expression', fact('osfamily', '=~', '/^Red/'), [NODE2]],
    ['a fact by comparison', fact('cores', '>=', '8'), [NODE2]],
    [
      'two facts',
      {
        fact: [
          { fact: 'country', operator: '==', value: 'uk' },
          { fact: 'cores', operator: '==', value: '4' },
        ],
      },
      [NODE1],
    ],
    ['a class', { cf_class: ['apache'] }, [NODE1]],
    ['a class by regular expression', { cf_class: ['/^my/'] }, [NODE2]],
    ['two classes', { cf_class: ['apache', 'settings'] }, [NODE1]],
    ['an agent', { agent: ['rpcutil'] }, [NODE1, NODE2, NODE3]],
    ['an agent that nobody has', { agent: ['nosuch'] }, []],
    ['an identity', { identity: [NODE2] }, [NODE2]],
    ['an identity by regular expression', { identity: ['/^node[13]/'] }, [NODE1, NODE3]],
    [
      'everything at once',
      { ...fact('country', '==', 'mt'), cf_class: ['mysql'], agent: ['echo'], identity: [NODE2] },
      [NODE2],
    ],
  ];
  test.each(filters)('discovers just the right nodes by %s', async (_, filter, found) => {
    expect(await client(dialect).discover({ filter, timeout: LISTEN_MS })).toEqual(found);
  });

  const expressions: readonly [expr: string, found: readonly string[]][] = [
    ['with("country=uk")', [NODE1, NODE3]],
    ['not with("country=uk")', [NODE2]],
    ['fact("cores") >= 8 or "apache" in classes', [NODE1, NODE2]],
    ['fact("country") != "uk" and any(classes, {# matches "^my"})', [NODE2]],
    ['with("osfamily=~/^deb/") or !(with("cores>=1"))', []],
    ['fact("osfamily") in ["Debian", "RedHat"]', [NODE1, NODE2]],
    ['fact("nosuch") == nil and not ("apache" in classes)', [NODE2, NODE3]],
  ];
  test.each(expressions)('discovers just the right nodes by %s', async (expr, found) => {
    expect(await client(dialect).discover({ filter: compound(expr), timeout: LISTEN_MS })).toEqual(found);
  });

  test('discovers just the right nodes by a list of tokens', async () => {
    const tokens = [{ statement: 'country=uk' }, { and: 'and' }, { not: 'not' }, { statement: 'apache' }];
    const filter = { compound: [tokens] };
    expect(await client(dialect).discover({ filter, timeout: LISTEN_MS })).toEqual([NODE3]);
  });

  const inexpressible: readonly [expr: string, part: string][] = [
    ['with("country=uk") and include(fact("list"), "a")', 'include(fact("list"), "a")'],
    ['not (with("apache")) or with("mysql")', 'with("apache")'],
    ['with("country=uk") or semver(fact("release"), ">= 7")', 'semver(fact("release"), ">= 7")'],
  ];
  test.each(inexpressible)('reaches no node by %s, and is told why', async (expr, part) => {
    const ask = { agent: 'rpcutil', action: 'ping', filter: compound(expr) };
    const [[reply, ...more], found] = await Promise.all([
      client(dialect).rpc({ ...ask, timeout: LISTEN_MS }),
      client(dialect).discover({ filter: compound(expr), timeout: LISTEN_MS }),
    ]);
    expect(found).toEqual([]);
    expect(more).toEqual([]);
    expect(reply?.sender).not.toMatch(/^node/);
    expect(reply?.rpc?.statuscode).toBe(5);
    expect(reply?.rpc?.statusmsg).toContain(`${quoted(part)} in the compound filter cannot be translated`);
    expect(reply?.rpc?.statusmsg).toContain('(unsupported_filter)');
  });

  test('discovers nodes of the YAML collective', async () => {
    expect(await client(dialect).discover({ collective: YAML_COLLECTIVE, expect: 1 })).toEqual([YAML_NODE]);
    const filter = fact('country', '==', 'de');
    expect(await client(dialect).discover({ collective: YAML_COLLECTIVE, filter, expect: 1 })).toEqual([
      YAML_NODE,
    ]);
    expect(
      await client(dialect).discover({
        collective: YAML_COLLECTIVE,
        filter: fact('country', '==', 'uk'),
        timeout: LISTEN_MS,
      }),
    ).toEqual([]);
  });

  test('discovers nodes of a sub-collective', async () => {
    expect(await client(dialect).discover({ collective: 'uk_collective', expect: 2 })).toEqual([
      NODE1,
      NODE2,
    ]);
  });

  test('calls the actions of rpcutil, directed and broadcast', async () => {
    const ping = await client(dialect).rpc({ agent: 'rpcutil', action: 'ping', targets: [NODE1, NODE2] });
    expect(ping.map(({ sender, rpc }) => [sender, rpc?.statuscode])).toEqual([
      [NODE1, 0],
      [NODE2, 0],
    ]);
    expect(ping[0]?.rpc?.data).toEqual({ pong: expect.any(Number) });
    const facts = await client(dialect).rpc({
      agent: 'rpcutil',
      action: 'get_fact',
      data: { fact: 'country' },
      expect: 3,
    });
    expect(facts.map(({ rpc }) => rpc?.data)).toEqual([
      { fact: 'country', value: 'uk' },
      { fact: 'country', value: 'mt' },
      { fact: 'country', value: 'uk' },
    ]);
    const [inventory] = await client(dialect).rpc({
      agent: 'rpcutil',
      action: 'inventory',
      targets: [NODE1],
    });
    expect(inventory?.rpc?.data).toMatchObject({
      agents: expect.arrayContaining(['discovery', 'rpcutil', 'echo']),
      facts: { country: 'uk', osfamily: 'Debian', cores: '4' },
      classes: ['apache', 'settings'],
      version: '2.12.5',
      collectives: ['mcollective', 'uk_collective'],
    });
    const [agents] = await client(dialect).rpc({
      agent: 'rpcutil',
      action: 'agent_inventory',
      targets: [NODE2],
    });
    expect(agents?.rpc?.data).toMatchObject({
      agents: expect.arrayContaining([
        expect.objectContaining({ agent: 'rpcutil', license: expect.any(String) }),
      ]),
    });
  });

  test.each([
    ['Marshal', NODE1, 'mcollective'],
    ['YAML', YAML_NODE, YAML_COLLECTIVE],
  ] as const)('reads every plain Ruby type out of a reply in %s', async (serializer, node, collective) => {
    const [reply] = await client(dialect).rpc({
      agent: 'echo',
      action: 'types',
      data: { value: 'hello' },
      collective,
      targets: [node],
    });
    expect(reply).toMatchObject({ sender: node, rpc: { statuscode: 0, statusmsg: 'OK' } });
    // JSON.parse would round it.
    expect(reply?.body).toContain('"big":1180591620717411303424');
    expect(reply?.rpc?.data).toEqual({
      echoed: 'hello',
      values: {
        int: 42,
        neg: -7,
        big: expect.any(Number),
        float: 3.25,
        inf: 'Infinity',
        nil: null,
        true: true,
        false: false,
        string: 'héllo ✓',
        latin1: 'café',
        binary: { base64: 'AP8B/oA=' },
        symbol: 'sym',
        array: [1, [2, [3]], {}],
        hash: { a: 1, b: { c: [null] } },
        empty: '',
        shared: ['same', 'same'],
        int_key: { '1': 'one' },
        multiline: 'a\nb\n',
        yamlish: 'yes',
        date: '2020-01-01',
        numstr: '007',
      },
    });
    expect(serializer).toBeDefined();
  });

  test.each([
    ['Marshal', NODE1, 'mcollective'],
    ['YAML', YAML_NODE, YAML_COLLECTIVE],
  ] as const)('sends every JSON type to Ruby in %s', async (_, node, collective) => {
    const big = client(dialect).buildRequest({
      agent: 'echo',
      collective,
      targets: [node],
      body: '{"agent":"echo","action":"echo","data":{"value":{"int":7,"big":1180591620717411303424,"float":3.0,"text":"héllo: ✓","no":"no","nil":null,"list":[true,false,{"deep":"x"}],"bin":{"base64":"AP8="}}}}',
    });
    const [reply] = await client(dialect).send(big, { expect: 1 });
    expect(reply?.rpc?.statuscode, reply?.rpc?.statusmsg).toBe(0);
    expect(reply?.rpc?.data).toMatchObject({
      seen:
        '{Symbol(:value)=>{String(UTF-8,"int")=>Integer(7),String(UTF-8,"big")=>Integer(1180591620717411303424),' +
        'String(UTF-8,"float")=>Float(3.0),String(UTF-8,"text")=>String(UTF-8,"héllo: ✓"),String(UTF-8,"no")=>String(UTF-8,"no"),' +
        'String(UTF-8,"nil")=>NilClass(nil),String(UTF-8,"list")=>[TrueClass(true),FalseClass(false),{String(UTF-8,"deep")=>String(UTF-8,"x")}],' +
        'String(UTF-8,"bin")=>String(ASCII-8BIT,"\\x00\\xFF")}}',
    });
    expect(reply?.body).toContain('"big":1180591620717411303424');
  });

  test.each([1, 2, 3, 4, 5])('sees an agent fail with status %i', async (code) => {
    for (const [node, collective] of [
      [NODE2, 'mcollective'],
      [YAML_NODE, YAML_COLLECTIVE],
    ] as const) {
      const [reply] = await client(dialect).rpc({
        agent: 'echo',
        action: 'fail',
        data: { code },
        collective,
        targets: [node],
      });
      expect(reply).toMatchObject({
        sender: node,
        rpc: { statuscode: code, statusmsg: `failed with ${code}` },
      });
    }
  });

  test('gets the replies of the three nodes that exist of 200 that it names', async () => {
    const strangers = Array.from({ length: 197 }, (_, n) => `ghost${n}.example.net`);
    const targets = [...strangers.slice(0, 99), NODE1, NODE3, ...strangers.slice(99), NODE2];
    const replies = await client(dialect).rpc({
      agent: 'rpcutil',
      action: 'ping',
      targets,
      expect: 3,
      timeout: 60_000,
    });
    expect(replies.map(({ sender }) => sender)).toEqual([NODE1, NODE2, NODE3]);
  });

  test('is answered all the same after hundreds of names that are not there', async () => {
    const strangers = Array.from({ length: 199 }, (_, n) => `phantom${n}.example.net`);
    for (let round = 0; round < 3; round++) {
      const targets = [...strangers, [NODE1, NODE2, NODE3][round] ?? NODE1];
      const replies = await client(dialect).rpc({ agent: 'rpcutil', action: 'ping', targets, expect: 1 });
      expect(replies.map(({ sender }) => sender)).toEqual(targets.slice(-1));
    }
    const [alone] = await client(dialect).rpc({ agent: 'rpcutil', action: 'ping', targets: [NODE2] });
    expect(alone?.sender).toBe(NODE2);
  });

  test('is told by status 5 that a reply cannot be translated, and why', async () => {
    const [reply] = await client(dialect).rpc({ agent: 'echo', action: 'clash', targets: [NODE1] });
    expect(reply).toMatchObject({ sender: NODE1, rpc: { statuscode: 5 } });
    expect(reply?.rpc?.statusmsg).toMatch(
      /node1\.example\.net.*written "a".*in data\.value\.list\[1\].*unsupported_value/,
    );
  });

  test('gets the hops that it asks for', async () => {
    const [reply] = await client(dialect).rpc({
      agent: 'rpcutil',
      action: 'ping',
      targets: [NODE1],
      trace: true,
    });
    const stomp = `stomp://127.0.0.1:${world.activemq.port}`;
    expect(reply?.hops?.slice(-3)).toEqual([
      [world.nats.url, 'production:1', stomp],
      [stomp, NODE1, stomp],
      [stomp, 'production:1', world.nats.url],
    ]);
  });
});

/** More than the broker shows of a queue at once would lie there, if each of two bridges put its part into it. */
test('names that are not there leave the directed queue to whoever else uses it', async () => {
  const second = await world.bridge();
  const native = await makeMcoClient({
    identity: 'desk.example.net',
    activemqPort: world.activemq.port,
    user: world.activemq.user,
    password: world.activemq.password,
    mainCollective: 'mcollective',
    collectives: ['mcollective'],
    serializer: 'marshal',
    serverPublicKey: SERVER_KEYS.publicKey,
    name: 'alice',
    keys: keyPair('legacy alice'),
  });
  try {
    let absent = 0;
    // Whoever took the request has put it onto its way once the one that is there has answered.
    const ask = async (names: number, filter: ChoriaFilter = {}): Promise<void> => {
      const targets = [...Array.from({ length: names }, () => `absent${absent++}.example.net`), NODE2];
      const replies = await client('go').rpc({
        agent: 'rpcutil',
        action: 'ping',
        targets,
        filter,
        expect: 1,
        timeout: 60_000,
      });
      expect(replies.map(({ sender }) => sender)).toEqual([NODE2]);
    };
    for (const names of [199, 499, 197, 198]) await ask(names);
    for (let i = 0; i < 3; i++) await ask(150, { identity: ['/example/'] });
    await Promise.all(Array.from({ length: 40 }, (_, i) => ask(1 + (i % 19))));
    const { stdout } = await native.run('rpc', 'rpcutil', 'ping', '-I', NODE1, '-j', ...DISCOVERY);
    expect(JSON.parse(stdout)).toMatchObject([{ sender: NODE1, statuscode: 0 }]);
    const handled = await stopAndCount(second);
    expect(handled.requestsSent).toBeGreaterThan(0);
  } finally {
    await native.remove();
  }
});

test.concurrent.each([
  ['slow', -7_200, /7[12]\d\d s behind this bridge's clock, .* \(expired\)$/],
  ['fast', 7_200, /7[12]\d\d s ahead of this bridge's clock, .* \(from_the_future\)$/],
] as const)('a client whose clock is %s is told by how much, once', async (_, off, sentence) => {
  const time = Math.floor(Date.now() / 1000) + off;
  const ask = { agent: 'rpcutil', action: 'ping', targets: [NODE1, NODE2], time };
  const replies = await client('go').rpc({ ...ask, timeout: LISTEN_MS });
  expect(replies.map(({ rpc }) => rpc?.statuscode)).toEqual([5]);
  expect(replies[0]?.rpc?.statusmsg).toMatch(sentence);
});

test('one log line a request tells what happened to it', async () => {
  const requestId = '0123456789abcdef0123456789abcdef';
  await client('go').rpc({ agent: 'rpcutil', action: 'ping', targets: [NODE1, NODE2], requestId });
  const line = await bridge.line(
    (it) => it['request_id'] === requestId && it.event === 'request',
    'the request',
  );
  expect(line).toMatchObject({
    caller_in: 'choria=alice.mcollective',
    caller_out: 'cert=alice',
    agent: 'rpcutil',
    action: 'ping',
    collective: 'mcollective',
    targets: 2,
    replies: 2,
    unheard: 0,
    duration_ms: expect.any(Number),
  });
});
