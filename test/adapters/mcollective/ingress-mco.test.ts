import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReadableRequest, ReplyPayload } from '../../../src/envelope/message.ts';
import { namedNodes } from '../../../src/envelope/message.ts';
import type { Ingress } from '../../../src/envelope/port.ts';
import type { Value } from '../../../src/envelope/value.ts';
import { toNodes } from '../../../src/testing/targets.ts';
import { createStompLink } from '../../../src/transport/stomp/index.ts';
import { type ActiveMq, startActiveMq } from '../../support/activemq.ts';
import {
  DISCOVERY,
  type McoClient,
  type Mcollectived,
  makeMcoClient,
  type Serializer,
  startMcollectived,
} from '../../support/mcollectived.ts';
import { keyPair } from '../../support/pki.ts';
import { until } from '../world.ts';
import {
  clientFrame,
  type Handed,
  type IngressOverrides,
  makeResidents,
  makeStompIngress,
  recordingSink,
} from './ingress-world.ts';

const C1 = 'c1.new.example.net';
const C2 = 'c2.new.example.net';
const NATIVE = 'node1.example.net';
const serverKeys = keyPair('legacy server');
const alice = keyPair('legacy alice');

let broker: ActiveMq;
let daemon: Mcollectived;
const ingresses: Ingress[] = [];
const clients: McoClient[] = [];

const makeLink = () =>
  createStompLink({
    servers: [{ host: broker.host, port: broker.port }],
    login: broker.user,
    passcode: broker.password,
    vhost: 'mcollective',
    clock: Date.now,
    onEvent: () => undefined,
  });

/** What a node answers, by hand. */
const payloadFor = ({ payload }: ReadableRequest, node: string): ReplyPayload => {
  if (payload.kind === 'discovery') return { kind: 'discovery' };
  const data: readonly (readonly [string, Value])[] =
    payload.action === 'get_fact'
      ? [
          ['fact', payload.data.get('fact') ?? null],
          ['value', `${node} sends its regards: ✓`],
        ]
      : [['pong', 1_800_000_000]];
  return { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map(data) };
};

interface Stage extends Handed {
  readonly mco: McoClient;
}

interface Kind {
  readonly collectives: readonly [string, ...string[]];
  readonly serializer?: Serializer;
  readonly base64?: boolean;
  readonly multiplex?: boolean;
  readonly options?: IngressOverrides;
  readonly extra?: Readonly<Record<string, string>>;
}

/** An ingress behind which C1 and C2 live, and the real client before it. */
const makeStage = async ({
  collectives,
  serializer = 'marshal',
  base64 = false,
  multiplex = false,
  options,
  extra,
}: Kind): Promise<Stage> => {
  const ingress = makeStompIngress(makeLink(), {
    collectives,
    serializer,
    base64,
    agentsMultiplex: multiplex,
    remoteNodes: makeResidents([C1, C2]),
    ...options,
  });
  ingresses.push(ingress);
  const handed = recordingSink((request) => {
    const { targets, filter } = request;
    const asked = namedNodes(targets) ?? [C1, C2];
    for (const node of asked)
      if (filter.identity.length === 0 || filter.identity.includes(node))
        ingress.reply({
          home: request.home,
          sender: node,
          time: Date.now(),
          payload: payloadFor(request, node),
        });
  });
  await ingress.start(handed.sink);
  const mco = await makeMcoClient({
    identity: 'client.example.net',
    activemqPort: broker.port,
    user: broker.user,
    password: broker.password,
    mainCollective: collectives[0],
    collectives,
    serializer,
    base64,
    name: 'alice',
    keys: alice,
    serverPublicKey: serverKeys.publicKey,
    extra: { ...(multiplex ? { 'plugin.activemq.agents_multiplex': '1' } : {}), ...extra },
  });
  clients.push(mco);
  return { ...handed, mco };
};

beforeAll(async () => {
  broker = await startActiveMq();
  daemon = await startMcollectived({
    identity: NATIVE,
    activemqPort: broker.port,
    user: broker.user,
    password: broker.password,
    serverKeys,
    clientPublicKeys: { alice: alice.publicKey },
    serializer: 'marshal',
    mainCollective: 'shared',
    collectives: ['shared'],
    facts: { country: 'uk' },
    classes: [],
  });
});

afterAll(async () => {
  await Promise.all(ingresses.map((ingress) => ingress.close()));
  await Promise.all(clients.map((client) => client.remove()));
  await daemon?.stop();
  await broker?.stop();
});

interface McoReply {
  readonly sender: string;
  readonly statuscode: number;
  readonly statusmsg: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const rpc = async (mco: McoClient, ...args: readonly string[]): Promise<readonly McoReply[]> => {
  const { stdout, stderr } = await mco.run('rpc', ...args, ...DISCOVERY, '-j');
  expect(stdout, stderr).toMatch(/^\[/);
  const replies: McoReply[] = JSON.parse(stdout);
  return replies
    .map(({ sender, statuscode, statusmsg, data }) => ({ sender, statuscode, statusmsg, data }))
    .toSorted((a, b) => (a.sender < b.sender ? -1 : 1));
};

const facts = (sender: string) => ({
  sender,
  statuscode: 0,
  statusmsg: 'OK',
  data: { fact: 'country', value: `${sender} sends its regards: ✓` },
});

describe.concurrent.each<[string, Kind]>([
  ['Marshal', { collectives: ['marshal'] }],
  ['YAML', { collectives: ['yaml'], serializer: 'yaml' }],
  ['base64', { collectives: ['base64'], base64: true }],
  ['YAML in base64', { collectives: ['both'], serializer: 'yaml', base64: true }],
  ['multiplexed agents', { collectives: ['plex'], multiplex: true }],
])('a real mco with %s', (_, kind) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await makeStage(kind);
  });

  it.sequential('pings the nodes beyond', async () => {
    const { stdout, stderr } = await stage.mco.run('ping', ...DISCOVERY);
    for (const node of [C1, C2]) expect(stdout, stderr).toMatch(new RegExp(`^${node}\\s+time=`, 'm'));
    expect(stage.requests.at(-1)).toMatchObject({ caller: 'cert=alice', payload: { kind: 'discovery' } });
  });

  it.sequential('calls an action of the nodes that it has discovered', async () => {
    expect(await rpc(stage.mco, 'rpcutil', 'get_fact', 'fact=country')).toEqual([facts(C1), facts(C2)]);
    const calls = stage.requests.filter(({ payload }) => payload.kind === 'rpc');
    expect(calls.flatMap(({ targets }) => targets.map(({ kind }) => kind))).toContain('node');
    expect(calls.at(-1)).toMatchObject({
      agent: 'rpcutil',
      sender: 'client.example.net',
      payload: { action: 'get_fact' },
    });
    const { payload } = calls.at(-1) ?? {};
    expect(payload?.kind === 'rpc' && Object.fromEntries(payload.data)).toEqual({
      fact: 'country',
      process_results: true,
    });
    expect(stage.rejections).toEqual([]);
  });

  it.sequential('calls an action of one node that it names', async () => {
    expect(await rpc(stage.mco, 'rpcutil', 'get_fact', 'fact=country', '-I', C2)).toEqual([facts(C2)]);
    const asked = stage.requests.at(-1);
    expect(asked?.targets).toEqual(toNodes([C2], asked?.collective));
  });
});

describe.concurrent('a real mco', () => {
  it('without direct addressing broadcasts its calls', async () => {
    const { mco, requests } = await makeStage({ collectives: ['broad'], extra: { direct_addressing: '0' } });
    expect(await rpc(mco, 'rpcutil', 'get_fact', 'fact=country')).toEqual([facts(C1), facts(C2)]);
    expect(requests.every(({ targets }) => targets[0]?.kind === 'broadcast')).toBe(true);
    expect(requests.at(-1)?.payload).toMatchObject({ kind: 'rpc' });
  });

  it('sends its filters and its sub-collective along', async () => {
    const { mco, requests } = await makeStage({ collectives: ['main', 'sub'] });
    const { stdout } = await mco.run('find', '-T', 'sub', '-F', 'country=uk', '-C', '/apac/', ...DISCOVERY);
    expect(stdout.trim().split('\n').toSorted()).toEqual([C1, C2]);
    expect(requests).toMatchObject([
      {
        collective: 'sub',
        filter: {
          fact: [{ fact: 'country', operator: '==', value: 'uk' }],
          cfClass: ['/apac/'],
          collective: 'sub',
        },
      },
    ]);
  });

  it('is told by a status 5 why it gets no better answer', async () => {
    const handed: Handed = recordingSink();
    const ingress = makeStompIngress(makeLink(), {
      collectives: ['strict'],
      remoteNodes: makeResidents([C1]),
    });
    ingresses.push(ingress);
    await ingress.start({
      ...handed.sink,
      rejected: ({ message }, home) => {
        if (home === undefined) throw new Error(`no way home: ${message}`);
        const payload = { kind: 'rpc', statusCode: 5, statusMessage: message, data: null } as const;
        ingress.reply({ home, sender: C1, time: 1_000, payload });
      },
    });
    const mco = await makeMcoClient({
      identity: 'client.example.net',
      activemqPort: broker.port,
      user: broker.user,
      password: broker.password,
      mainCollective: 'strict',
      collectives: ['strict'],
      serializer: 'marshal',
      name: 'mallory',
      keys: keyPair('legacy mallory'),
      serverPublicKey: serverKeys.publicKey,
    });
    clients.push(mco);
    const replies = await rpc(mco, 'rpcutil', 'get_fact', 'fact=country', '-I', C1);
    expect(replies).toMatchObject([
      { sender: C1, statuscode: 5, statusmsg: expect.stringContaining('cert=mallory') },
    ]);
    expect(handed.requests).toEqual([]);
  });
});

describe('beside a real mcollectived', () => {
  let stage: Stage;
  beforeAll(async () => {
    // The pattern is meant for the new nodes, but holds the daemon's too.
    const remoteNodes = makeResidents([C1, C2], ['*.example.net'], [NATIVE]);
    stage = await makeStage({ collectives: ['shared'], options: { remoteNodes } });
  });

  it('mco sees nodes of both kinds, each once', async () => {
    const { stdout } = await stage.mco.run('ping', ...DISCOVERY);
    expect([...stdout.matchAll(/^(\S+)\s+time=/gm)].map(([, node]) => node).toSorted()).toEqual([
      C1,
      C2,
      NATIVE,
    ]);
  });

  it('mco gets the answer of each from itself, once', async () => {
    const replies = await rpc(stage.mco, 'rpcutil', 'get_fact', 'fact=country');
    expect(replies).toEqual([
      facts(C1),
      facts(C2),
      { ...facts(NATIVE), data: { fact: 'country', value: 'uk' } },
    ]);
    expect(stage.rejections).toEqual([]);
    const taken = stage.requests.flatMap(({ targets }) => namedNodes(targets) ?? []);
    expect(taken).not.toContain(NATIVE);
  });

  it('the daemon gets what a bridge sends to it', async () => {
    const link = makeLink();
    const replyTo = '/queue/shared.reply.bridge_1.1';
    let answered = 0;
    await link.open();
    await link.subscribe({ destination: replyTo, onMessage: () => void answered++ });
    const before = stage.requests.length;
    for (let sent = 0; sent < 10; sent++)
      link.send({
        ...clientFrame({ collective: 'shared', node: NATIVE, replyTo, headers: { mcbridge: 'production' } }),
        expires: Number.POSITIVE_INFINITY,
      });
    await until('it has answered all', () => answered === 10);
    await link.close();
    expect(stage.requests).toHaveLength(before);
  });
});
