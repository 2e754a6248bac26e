import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildRequest, type RequestContent, type Sender } from '../../src/client/index.ts';
import { EMPTY_FILTER } from '../../src/envelope/filter.ts';
import {
  type ChoriaFilter,
  type Dialect,
  discoveryBody,
  type Json,
  md5,
  requestLayer,
  rpcBody,
  secureLayer,
  toJson,
  transportLayer,
} from '../support/choria-messages.ts';
import { makeAuthority } from '../support/pki.ts';

const alice = makeAuthority('client test CA').issue({ commonName: 'alice.mcollective' });
const CALLER = 'choria=alice.mcollective';
const ID = '0123456789abcdef0123456789abcdef';
const TIME = 1_795_412_293;

const sender = (changes: Partial<Sender> = {}): Sender => ({
  identity: 'alice.mcollective',
  callerId: CALLER,
  privateKey: createPrivateKey(alice.privateKey),
  certificate: alice.certificate,
  dialect: 'go',
  collective: 'mcollective',
  federation: ['production'],
  ...changes,
});

const ping: RequestContent = {
  requestId: ID,
  agent: 'discovery',
  payload: { kind: 'discovery' },
  ttl: 60,
  time: TIME,
};
const getFact: RequestContent = {
  ...ping,
  agent: 'rpcutil',
  payload: { kind: 'rpc', action: 'get_fact', data: new Map([['fact', 'country']]) },
};
const nodes = (count: number) => Array.from({ length: count }, (_, n) => `node${n}.example.net`);
const subjects = (count: number) => nodes(count).map((node) => `mcollective.node.${node}`);

const parsed = (text: string): Json => JSON.parse(text);

/** All layers of a message, parsed. */
const layers = (payload: Buffer | string) => {
  const transport = parsed(payload.toString());
  const secure = parsed(Buffer.from(String(transport['data']), 'base64').toString());
  return { transport, secure, request: parsed(String(secure['message'])) };
};

/** The same by the test's own builders. */
const independent = (
  dialect: Dialect,
  given: {
    readonly agent: string;
    readonly body: string;
    readonly filter: ChoriaFilter;
    readonly targets: readonly string[];
    readonly trace?: string;
  },
) => {
  const request = requestLayer({
    ...given,
    dialect,
    requestId: ID,
    sender: 'alice.mcollective',
    callerid: CALLER,
    collective: 'mcollective',
    ttl: 60,
    time: TIME,
  });
  const secure = secureLayer(dialect, toJson(request, dialect), alice.privateKey, alice.certificate);
  const replyTo = `mcollective.reply.${md5(CALLER)}.${ID}`;
  const transport = transportLayer(toJson(secure, dialect), {
    ...given,
    dialect,
    sender: 'alice.mcollective',
    replyTo,
    requestId: ID,
  });
  return { request, secure, transport };
};

const SIGNED = ['message', 'signature'];
const without = (layer: Json, keys: readonly string[]): Json =>
  Object.fromEntries(Object.entries(layer).filter(([key]) => !keys.includes(key)));

describe.each(['go', 'ruby'] as const)('a request in the dialect of %s', (dialect) => {
  const cases = {
    'a ping to all': {
      content: ping,
      expected: {
        agent: 'discovery',
        body: discoveryBody(dialect),
        filter: {},
        targets: ['mcollective.broadcast.agent.discovery'],
      },
    },
    'a ping with filters, traced': {
      content: {
        ...ping,
        filter: {
          fact: [{ fact: 'country', operator: '==', value: 'uk' }],
          cfClass: ['/apache/'],
          identity: ['a.example.net'],
        },
        tracedFrom: 'nats://127.0.0.1:4223',
      },
      expected: {
        agent: 'discovery',
        body: discoveryBody(dialect),
        filter: {
          fact: [{ fact: 'country', operator: '==', value: 'uk' }],
          cf_class: ['/apache/'],
          identity: ['a.example.net'],
        },
        targets: ['mcollective.broadcast.agent.discovery'],
        trace: 'nats://127.0.0.1:4223',
      },
    },
    'an RPC to two nodes': {
      content: { ...getFact, nodes: nodes(2) },
      expected: {
        agent: 'rpcutil',
        body: rpcBody(dialect, 'rpcutil', 'get_fact', CALLER, { fact: 'country' }),
        filter: { agent: ['rpcutil'] },
        targets: subjects(2),
      },
    },
  } as const satisfies Record<string, { content: RequestContent; expected: object }>;

  test.each(Object.entries(cases))('has the layers that a real client writes: %s', (_, it) => {
    const built = buildRequest(it.content, sender({ dialect }));
    expect(built.messages).toHaveLength(1);
    const [message] = built.messages;
    expect(message?.destination).toBe('choria.federation.production.federation');
    const own = layers(message?.body ?? '');
    const theirs = independent(dialect, it.expected);
    expect(own.request).toEqual(theirs.request);
    expect(without(own.secure, SIGNED)).toEqual(without(theirs.secure, SIGNED));
    expect(without(own.transport, ['data'])).toEqual(without(theirs.transport, ['data']));
    const wrapped = String(own.transport['data']).includes('\n');
    expect(wrapped).toBe(dialect === 'ruby');
    expect(String(own.secure['signature']).includes('\n')).toBe(dialect === 'ruby');
    expect(built.replyTo).toBe(`mcollective.reply.${md5(CALLER)}.${ID}`);
  });

  test('is signed over the bytes of the request', () => {
    const [message] = buildRequest(getFact, sender({ dialect })).messages;
    const { secure } = layers(message?.body ?? '');
    const signature = Buffer.from(String(secure['signature']), 'base64');
    const signs = (text: string) =>
      verify('RSA-SHA256', Buffer.from(text), createPublicKey(alice.privateKey), signature);
    expect(signs(String(secure['message']))).toBe(true);
    expect(signs(`${secure['message']} `)).toBe(false);
  });
});

describe('a request', () => {
  test('to many nodes goes in groups of 200 with one signature, by each cluster', () => {
    const federation = ['production', 'staging'];
    const { messages } = buildRequest({ ...getFact, nodes: nodes(401) }, sender({ federation }));
    const sizes = messages.map(({ destination, body }) => {
      const headers = layers(body).transport['headers'];
      return [destination, JSON.parse(JSON.stringify(headers)).federation.target.length];
    });
    const [p, s] = federation.map((cluster) => `choria.federation.${cluster}.federation`);
    expect(sizes).toEqual([
      [p, 200],
      [p, 200],
      [p, 1],
      [s, 200],
      [s, 200],
      [s, 1],
    ]);
    const secure = new Set(messages.map(({ body }) => layers(body).transport['data']));
    expect(secure.size).toBe(1);
  });

  test("without a federation goes to the nodes' own subjects, and bears no federation header", () => {
    const { messages } = buildRequest({ ...getFact, nodes: nodes(3) }, sender({ federation: [] }));
    expect(messages.map(({ destination }) => destination)).toEqual(subjects(3));
    const [first] = messages;
    expect(layers(first?.body ?? '').transport['headers']).not.toHaveProperty('federation');
    const [broadcast] = buildRequest(getFact, sender({ federation: [] })).messages;
    expect(broadcast?.destination).toBe('mcollective.broadcast.agent.rpcutil');
  });
});

interface Recorded {
  readonly subject: string;
  readonly reply: string;
  readonly payload: string;
}

const recorded = (file: string): readonly Recorded[] =>
  readFileSync(new URL(`../../fixtures/captures/${file}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** The pings that Choria's own client sent by a federation, recorded. */
const pings = recorded('choria-v1-federated.ndjson').filter(({ subject, payload }) => {
  if (!subject.endsWith('.federation')) return false;
  const { request } = layers(payload);
  return request['message'] === '"ping"' && JSON.stringify(request).includes('"agent":[]');
});

test('there are recorded pings, broadcast and traced ones to a node', () => {
  expect(pings.filter(({ payload }) => payload.includes('seen-by')).length).toBeGreaterThan(0);
  expect(pings.filter(({ payload }) => payload.includes('broadcast.agent.discovery')).length).toBeGreaterThan(
    0,
  );
});

test.each(pings)('the ping recorded with reply subject $reply comes out the same', ({ payload, reply }) => {
  const theirs = layers(payload);
  const headers = JSON.parse(JSON.stringify(theirs.transport['headers']));
  const envelope = JSON.parse(JSON.stringify(theirs.request['envelope']));
  const [target] = headers.federation.target;
  const node = /\.node\.(.+)$/.exec(target)?.[1];
  const server = headers['seen-by']?.[0]?.[1];
  const [message] = buildRequest(
    {
      ...ping,
      requestId: envelope.requestid,
      time: envelope.time,
      ttl: envelope.ttl,
      filter: { ...EMPTY_FILTER, fact: envelope.filter.fact, cfClass: envelope.filter.cf_class },
      ...(node === undefined ? {} : { nodes: [node] }),
      ...(server === undefined ? {} : { tracedFrom: server }),
    },
    sender({ dialect: 'ruby' }),
  ).messages;
  const own = layers(message?.body ?? '');
  expect(own.request).toEqual(theirs.request);
  expect(without(own.secure, [...SIGNED, 'pubcert'])).toEqual(without(theirs.secure, [...SIGNED, 'pubcert']));
  // Only the end of the reply subject is the client's own.
  const tail = reply.split('.').slice(3).join('.');
  const expected = { ...headers, 'reply-to': reply.replace(tail, envelope.requestid) };
  expect(own.transport['headers']).toEqual(expected);
});
