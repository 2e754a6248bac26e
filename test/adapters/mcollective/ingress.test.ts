import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ReadableRequest } from '../../../src/envelope/message.ts';
import { namedNodes } from '../../../src/envelope/message.ts';
import type { Ingress } from '../../../src/envelope/port.ts';
import { ingressContract } from '../../../src/testing/ingress-contract.ts';
import type { Answer, Question } from '../../../src/testing/ingress-stage.ts';
import { delegateLink } from '../../../src/transport/delegate-link.ts';
import type { IncomingMessage, Link } from '../../../src/transport/link.ts';
import { createStompLink } from '../../../src/transport/stomp/index.ts';
import { type ActiveMq, startActiveMq } from '../../support/activemq.ts';
import { MAX_TTL, serverKeys, until } from '../world.ts';
import {
  clientFrame,
  type Deviation,
  type Handed,
  type IngressOverrides,
  makeResidents,
  makeStompIngress,
  readReply,
  recordingSink,
} from './ingress-world.ts';

let broker: ActiveMq;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  broker = await startActiveMq({
    compositeTopics: [{ topic: 'composite.*.agent', queue: 'mcbridge.composite.requests' }],
  });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});
afterAll(() => broker?.stop());

const makeLink = (): Link => {
  const link = createStompLink({
    servers: [{ host: broker.host, port: broker.port }],
    login: broker.user,
    passcode: broker.password,
    vhost: 'mcollective',
    clock: Date.now,
    onEvent: (event) => {
      if (event.kind === 'error') throw event.error;
    },
  });
  open.push(link);
  return link;
};

let serial = 0;
/** Every test has a collective of its own, so that none gets what another has left behind. */
const nextCollective = (): string => `collective${++serial}`;

interface Stage extends Handed {
  readonly collective: string;
  readonly ingress: Ingress;
  readonly link: Link;
  send(deviation?: Deviation): void;
  /** All nodes that requests were handed over for, one entry a node. */
  nodes(): readonly string[];
}

const makeStage = async (overrides: IngressOverrides = {}, own: Link = makeLink()): Promise<Stage> => {
  const collective = overrides.collectives?.[0] ?? nextCollective();
  const ingress = makeStompIngress(own, { collectives: [collective], ...overrides });
  open.unshift(ingress);
  const handed = recordingSink();
  await ingress.start(handed.sink);
  const link = makeLink();
  await link.open();
  return {
    ...handed,
    collective,
    ingress,
    link,
    send: (deviation = {}) => sendFrame(link, { collective, ...deviation }),
    nodes: () => handed.requests.flatMap(({ targets }) => namedNodes(targets) ?? []).toSorted(),
  };
};

const sendFrame = (link: Link, deviation: Deviation): void =>
  link.send({ ...clientFrame(deviation), expires: Number.POSITIVE_INFINITY });

/** A daemon's view of the directed queue: what is left for it. */
const daemon = async (collective: string, node: string): Promise<readonly IncomingMessage[]> => {
  const frames: IncomingMessage[] = [];
  const link = makeLink();
  await link.open();
  await link.subscribe({
    destination: `/queue/${collective}.nodes`,
    headers: { selector: `mc_identity = '${node}'` },
    onMessage: (frame) => void frames.push(frame),
  });
  return frames;
};

describe.each([
  ['marshal', 'marshal', false],
  ['yaml', 'yaml', false],
  ['marshal in base64', 'marshal', true],
] as const)('with clients of %s', (title, serializer, base64) => {
  ingressContract(`mcollective-stomp (${title})`, async () => {
    const collective = nextCollective();
    const client = makeLink();
    await client.open();
    const limits = { maxTtl: MAX_TTL, maxAhead: 600, maxMessageBytes: 64 * 1024, maxTargets: 2 };
    const ingress = makeStompIngress(makeLink(), {
      collectives: [collective],
      serializer,
      base64,
      ...limits,
      remoteNodes: makeResidents(['n1.example.net', 'n2.example.net', 'n3.example.net']),
    });
    open.unshift(ingress);
    const answers: Answer[] = [];
    const replyTo = `/queue/${collective}.reply.client.example.net_1.1`;
    await client.subscribe({
      destination: replyTo,
      onMessage: ({ body }) => {
        const document = base64 ? Buffer.from(body.toString(), 'base64') : body;
        const { requestId, senderId: node, payload } = readReply(document, serializer);
        answers.push({ requestId, node, payload });
      },
    });
    let asked = 0;
    const ask = (question: Question, key = {}): string => {
      const { agent, action = 'ping', nodes, ttl, age, collective: other, data = new Map() } = question;
      const requestId = (++asked).toString().padStart(32, 'a');
      const payload =
        agent === 'discovery' ? ({ kind: 'discovery' } as const) : { kind: 'rpc' as const, action, data };
      const now = Date.now();
      const deviation: Deviation = {
        collective,
        agent,
        payload,
        requestId,
        serializer,
        base64,
        replyTo,
        ...key,
        ...(ttl === undefined ? {} : { ttl }),
        // The broker drops what says in its headers that it has expired.
        ...(age !== undefined && {
          time: Math.floor(now / 1000) - age,
          headers: { timestamp: String(now), expires: String(now + 600_000) },
        }),
        ...(other !== undefined && {
          collective: other,
          destination: `/topic/${collective}.${agent}.agent`,
        }),
      };
      for (const node of nodes ?? [undefined])
        sendFrame(client, { ...deviation, ...(node === undefined ? {} : { node }) });
      return requestId;
    };
    return {
      ingress,
      caller: 'cert=alice',
      collective,
      limits,
      ask,
      impersonate: (question) => ask(question, { key: serverKeys.privateKey }),
      garble: () =>
        client.send({
          destination: `/topic/${collective}.rpcutil.agent`,
          body: Buffer.from('hello'),
          expires: Number.POSITIVE_INFINITY,
        }),
      answers: () => answers,
      forbiddenReplyTo: `/queue/${collective}.nodes`,
    };
  });
});

const actionsOf = (requests: readonly ReadableRequest[]): readonly string[] =>
  requests.map(({ payload }) => (payload.kind === 'rpc' ? payload.action : 'ping'));

describe('the ingress mcollective-stomp on ActiveMQ', () => {
  it('hears every agent’s topic of its collectives, and no other collective', async () => {
    const collective = nextCollective();
    const [second, foreign] = [`${collective}_sub`, `${collective}_foreign`];
    const { send, requests } = await makeStage({ collectives: [collective, second] });
    send({ agent: 'puppet' });
    send({ collective: foreign });
    send({ collective: second, agent: 'discovery' });
    await until('both are handed over', () => requests.length >= 2);
    expect(requests.map((request) => [request.collective, request.agent])).toEqual([
      [collective, 'puppet'],
      [second, 'discovery'],
    ]);
  });

  it('hears the one topic of multiplexed clients too, where it is told so', async () => {
    const { collective, send, requests } = await makeStage({ agentsMultiplex: true });
    send({ destination: `/topic/${collective}.agents` });
    send();
    await until('both are handed over', () => requests.length === 2);
  });

  it('shares broadcasts with other instances where the broker puts them into a queue', async () => {
    const shared: IngressOverrides = {
      collectives: ['composite'],
      broadcastQueue: '/queue/mcbridge.{collective}.requests',
      share: 'queue',
    };
    const one = await makeStage(shared);
    const two = await makeStage(shared);
    for (let request = 0; request < 10; request++) one.send();
    await until('all are handed over', () => one.requests.length + two.requests.length >= 10);
    const ids = [...one.requests, ...two.requests].map(({ id }) => id);
    expect(new Set(ids).size).toBe(10);
    expect(one.requests.length).toBeGreaterThan(0);
    expect(two.requests.length).toBeGreaterThan(0);
  });

  it('takes directed frames of remote nodes only; the others’ wait for them', async () => {
    const { collective, send, nodes } = await makeStage({ remoteNodes: makeResidents(['n1', 'n3']) });
    for (const node of ['n1', 'n2', 'n3']) send({ node });
    await until('those of the remote nodes are handed over', () => nodes().length >= 2);
    const frames = await daemon(collective, 'n2');
    await until('the daemon has its frame', () => frames.length > 0);
    expect(nodes()).toEqual(['n1', 'n3']);
  });

  it('takes another action under the same id as another request, and the same message once', async () => {
    const { send, requests, ignored } = await makeStage({ remoteNodes: makeResidents(['n1']) });
    const action = (name: string) => ({
      node: 'n1',
      requestId: 'a'.repeat(32),
      time: Math.floor(Date.now() / 1000),
      payload: { kind: 'rpc', action: name, data: new Map() } as const,
    });
    for (const name of ['get_fact', 'echo']) {
      send(action(name));
      await until(`${name} is handed over`, () => requests.length > 0 && actionsOf(requests).includes(name));
    }
    send(action('echo'));
    await until('the second one is left', () => ignored.length > 0);
    expect(actionsOf(requests)).toEqual(['get_fact', 'echo']);
  });

  it('takes a client’s frames to many nodes as few requests', async () => {
    const names = Array.from({ length: 50 }, (_, at) => `n${at + 100}`);
    const { collective, link, nodes, requests } = await makeStage({ remoteNodes: makeResidents(names) });
    const frame = clientFrame({ collective, node: 'n100' });
    for (const node of names)
      link.send({
        ...frame,
        headers: { ...frame.headers, mc_identity: node },
        expires: Number.POSITIVE_INFINITY,
      });
    await until('all are handed over', () => nodes().length >= names.length);
    expect(nodes()).toEqual(names);
    expect(requests.length).toBeLessThan(names.length);
    expect(new Set(requests.map(({ id }) => id)).size).toBe(1);
  });

  it('knows remote nodes by patterns, in which only * and ? stand for others', async () => {
    const remoteNodes = makeResidents([], ['web_*.example.???', "o'hara"]);
    const { collective, send, nodes } = await makeStage({ remoteNodes });
    const others = ['webx1.example.net', 'web_1.example.info', 'web_1xexample.net'];
    for (const node of ['web_1.example.net', ...others, 'web_.example.org']) send({ node });
    await until('those that match are handed over', () => nodes().length >= 2);
    expect(nodes()).toEqual(['web_.example.org', 'web_1.example.net']);
    for (const node of others) {
      const frames = await daemon(collective, node);
      await until(`${node} has its frame`, () => frames.length > 0);
      expect(frames[0]?.headers['mcbridge']).toBeUndefined();
    }
  });

  it('leaves frames that a bridge has sent to the daemon, even of a resident', async () => {
    const { collective, send, nodes } = await makeStage({ remoteNodes: makeResidents(['n1'], ['n*']) });
    send({ node: 'n1', headers: { mcbridge: 'production' } });
    send({ node: 'n2' });
    await until('the client’s is handed over', () => nodes().length > 0);
    const frames = await daemon(collective, 'n1');
    await until('the daemon has its frame', () => frames.length > 0);
    expect(nodes()).toEqual(['n2']);
  });

  it('hands back what a pattern has selected for a node on the requester’s own side', async () => {
    const remoteNodes = makeResidents([], ['n*'], ['n2']);
    const { collective, send, nodes, ignored, rejections } = await makeStage({ remoteNodes });
    for (const node of ['n1', 'n2']) send({ node, replyTo: `/queue/${collective}.reply.c_1.1` });
    await until('one is handed over, one back', () => nodes().length > 0 && ignored.length > 0);
    const frames = await daemon(collective, 'n2');
    await until('the daemon has its frame', () => frames.length > 0);
    expect(nodes()).toEqual(['n1']);
    expect(rejections).toEqual([]);
    expect(ignored).toMatchObject([{ why: 'native', context: { collective, sender: 'client.example.net' } }]);
    const original = clientFrame({ collective });
    expect(frames[0]).toMatchObject({
      replyTo: `/queue/${collective}.reply.c_1.1`,
      headers: { mc_identity: 'n2', mc_sender: 'client.example.net', mcbridge: 'bridge.example.net' },
    });
    expect(frames[0]?.headers['expires']).toMatch(/^\d{13}$/);
    expect(frames[0]?.body.length).toBe(original.body.length);
  });

  it('selects a thousand remote nodes, in several subscriptions', async () => {
    const names = Array.from({ length: 1_000 }, (_, at) => `node${at + 1_000}.long.name.example.net`);
    const { send, nodes, ingress } = await makeStage({ remoteNodes: makeResidents(names) });
    for (const node of [names[0], names[499], names[999]]) send(node === undefined ? {} : { node });
    await until('all are handed over', () => nodes().length >= 3);
    expect(nodes()).toEqual([names[0], names[499], names[999]]);
    expect(ingress.status()).toMatchObject({ up: true });
    expect(ingress.status()).not.toHaveProperty('unconfirmed');
  });

  it('loses and duplicates nothing while remote nodes come and go', async () => {
    const names = Array.from({ length: 400 }, (_, at) => `node${at + 1_000}.long.name.example.net`);
    const [steady = '', leaving = ''] = names;
    const coming = 'new.example.net';
    const remoteNodes = makeResidents(names);
    const selectors = new Set<string>();
    const link = makeLink();
    const watched: Link = {
      ...delegateLink(link),
      subscribe: async (subscription) => {
        const { unsubscribe } = await link.subscribe(subscription);
        const selector = subscription.headers?.['selector'] ?? '';
        selectors.add(selector);
        return { unsubscribe: () => unsubscribe().then(() => void selectors.delete(selector)) };
      },
    };
    const isSelected = (name: string): boolean =>
      [...selectors].some((selector) => selector.includes(`'${name}'`));
    const { send, nodes, requests } = await makeStage({ remoteNodes }, watched);
    let sent = 0;
    // Each change ends the subscription that selects the steady one; its frames never stop meanwhile.
    for (let round = 0; round < 4; round++) {
      const [arrives, leaves] = round % 2 === 0 ? [coming, leaving] : [leaving, coming];
      remoteNodes.become([arrives, steady, ...names.slice(2)]);
      await until('the selection has changed', () => {
        send({ node: steady });
        sent++;
        return isSelected(arrives) && !isSelected(leaves);
      });
    }
    await until('all are handed over', () => nodes().length >= sent);
    expect(requests).toHaveLength(sent);
    expect(new Set(requests.map(({ id }) => id)).size).toBe(sent);
    expect(nodes().includes(leaving)).toBe(false);
  });

  it('no longer takes frames of those who have left', async () => {
    const remoteNodes = makeResidents(['n1', 'n2']);
    const { collective, send, nodes, ignored } = await makeStage({ remoteNodes });
    remoteNodes.become(['n2', 'n3']);
    send({ node: 'n1' });
    const frames = await daemon(collective, 'n1');
    await until('the daemon has its frame', () => frames.length > 0);
    // Before the selection changed it was handed back, afterwards it was never taken.
    expect(ignored.filter(({ why }) => why !== 'native')).toEqual([]);
    expect(nodes()).toEqual([]);
  });

  it('has no directed subscription while nobody lives beyond, and makes one when somebody does', async () => {
    const remoteNodes = makeResidents();
    const { collective, send, nodes } = await makeStage({ remoteNodes });
    send({ node: 'n1' });
    remoteNodes.become(['n1']);
    await until('what waited is handed over', () => nodes().length > 0);
    expect(nodes()).toEqual(['n1']);
    expect(await daemon(collective, 'n1')).toEqual([]);
  });

  it('changes no subscription after a drain', async () => {
    const remoteNodes = makeResidents(['n1']);
    const { ingress, collective, send, nodes } = await makeStage({ remoteNodes });
    remoteNodes.become(['n1', 'n2']);
    await ingress.drain();
    remoteNodes.become(['n1', 'n2', 'n3']);
    for (const node of ['n1', 'n2', 'n3']) send({ node });
    for (const node of ['n1', 'n2', 'n3']) {
      const frames = await daemon(collective, node);
      await until('the daemon has its frame', () => frames.length > 0);
    }
    expect(nodes()).toEqual([]);
  });
});
