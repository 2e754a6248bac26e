import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ReadableRequest, ReplyPayload } from '../../../src/envelope/message.ts';
import { Rejection } from '../../../src/envelope/rejection.ts';
import { float } from '../../../src/envelope/value.ts';
import { SharedLink } from '../../../src/transport/shared-link.ts';
import { WebSocketLink } from '../../../src/transport/websocket/link.ts';
import { connectWebClient } from '../../support/web-client.ts';
import { issuer, SETTINGS } from '../../transport/websocket/world.ts';
import { OK, type Stage, startStage } from './world.ts';

const stages: Stage[] = [];
afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.end();
});

const staged = async (options = {}): Promise<Stage> => {
  const stage = await startStage(options);
  stages.push(stage);
  return stage;
};

const CALL = { collective: 'mcollective', agent: 'rpcutil', action: 'ping' };
const replyTo = ({ home, time }: ReadableRequest, sender: string, payload: ReplyPayload = OK) => ({
  home,
  sender,
  time,
  payload,
});

/** Starts a call. @returns its id and its request */
const called = async ({ client, request }: Stage, params = {}) => {
  const answered = await client.call('rpc.call', { ...CALL, ...params });
  if ('error' in answered) throw new Error(answered.error.message);
  return { id: answered.result['id'], request: await request() };
};

const said = ({ client }: Stage, method: string) =>
  client.notices.filter((it) => it.method === method).map(({ params }) => params);

describe('a call', () => {
  it('is a request in the name that was proven, with the way home', async () => {
    const stage = await staged();
    const filter = { fact: [{ fact: 'os', operator: '=~', value: 'deb' }], cf_class: ['apache'] };
    const { id, request } = await called(stage, { ttl: 30, filter });
    expect(request).toMatchObject({
      id,
      caller: 'oidc=alice@example.net',
      collective: 'mcollective',
      agent: 'rpcutil',
      ttl: 30_000,
      filter: { fact: [{ fact: 'os', operator: '=~', value: 'deb' }], cfClass: ['apache'], compound: [] },
      targets: [{ kind: 'broadcast', collective: 'mcollective', agent: 'rpcutil' }],
      payload: { kind: 'rpc', action: 'ping', data: new Map() },
      home: { ingress: 'web', requestId: id, expires: request.time + 30_000 },
    });
  });

  it('believes no ttl that is longer than the bridge’s', async () => {
    const { request } = await called(await staged(), { ttl: 3600 });
    expect(request.ttl).toBe(600_000);
  });

  it('has its values exactly as they were written, and so have replies', async () => {
    const stage = await staged();
    const text = '{"n":9007199254740993,"f":3.0,"10":1,"2":2,"data":{"data":{}}}';
    const params = `{"collective":"mcollective","agent":"a","action":"b","data":${text}}`;
    stage.client.socket.send(`{"jsonrpc":"2.0","id":"x","method":"rpc.call","params":${params}}`);
    const request = await stage.request();
    if (request.payload.kind !== 'rpc') throw new Error('it is an RPC request');
    const { data } = request.payload;
    expect([...data.keys()]).toEqual(['n', 'f', '10', '2', 'data']);
    expect([data.get('n'), data.get('f')]).toEqual([9007199254740993n, float(3)]);
    const raw = new Promise<string>((resolve) =>
      stage.client.socket.on('message', (it) => String(it).includes('rpc.reply') && resolve(String(it))),
    );
    stage.ingress.reply(replyTo(request, 'n1.example.net', { ...OK, data }));
    expect(await raw).toContain(`"data":${text}`);
  });

  it('goes on after a later batch is refused to say so', async () => {
    const stage = await staged();
    const { id, request } = await called(stage, { targets: ['n1.example.net', 'n2.example.net'], batch: 1 });
    stage.refuse(new Rejection('denied_by_policy', 'enough for today'));
    stage.ingress.reply(replyTo(request, 'n1.example.net'));
    expect(await stage.client.notice('rpc.done')).toMatchObject({
      id,
      end: 'refused',
      error: 'enough for today (denied_by_policy)',
      stats: { replies: 1 },
      unheard: ['n2.example.net'],
    });
  });

  it('ends where it could not be sent after all', async () => {
    const stage = await staged();
    const { request } = await called(stage);
    stage.ingress.reply({
      ...replyTo(request, 'bridge', { ...OK, statusCode: 5, statusMessage: 'it waited too long' }),
      refusal: true,
    });
    expect(await stage.client.notice('rpc.done')).toMatchObject({
      end: 'refused',
      error: 'it waited too long',
    });
  });

  it('that is refused is an error, and none of it is left', async () => {
    const stage = await staged();
    stage.refuse(new Rejection('no_mapping', 'who is that?'));
    for (let n = 0; n < 10; n++) {
      const answered = await stage.client.call('rpc.call', CALL);
      expect(answered).toMatchObject({ error: { code: -32002, data: { code: 'no_mapping' } } });
    }
    // The bridge has counted them.
    expect(stage.rejections).toEqual([]);
    const [request] = stage.requests;
    if (request === undefined) throw new Error('no request');
    expect(() => stage.ingress.reply(replyTo(request, 'n1.example.net'))).toThrow(
      expect.objectContaining({ code: 'invalid_reply_to' }),
    );
  });

  it('counts a node that answers twice once, and is over when all have answered', async () => {
    const stage = await staged();
    const targets = ['n1.example.net', 'n2.example.net', 'n3.example.net'];
    const { request } = await called(stage, { targets });
    const failed = { ...OK, statusCode: 1 };
    for (const [node, payload] of [
      ['n1.example.net', OK],
      ['n1.example.net', failed],
      ['n1.example.net', OK],
      ['n2.example.net', failed],
    ] as const)
      stage.ingress.reply(replyTo(request, node, payload));
    await stage.client.notice('rpc.reply', ({ seq }) => seq === 4);
    expect(said(stage, 'rpc.done')).toEqual([]);
    stage.ingress.reply(replyTo(request, 'n3.example.net'));
    expect(await stage.client.notice('rpc.done')).toMatchObject({
      end: 'complete',
      stats: { replies: 5, nodes: 3, ok: 2, failed: 1, missed: 0 },
      unheard: [],
    });
    expect(said(stage, 'rpc.reply').map(({ seq, sender }) => [seq, sender])).toEqual([
      ...[1, 2, 3].map((seq) => [seq, 'n1.example.net']),
      [4, 'n2.example.net'],
      [5, 'n3.example.net'],
    ]);
  });

  it('of no nodes is over at once', async () => {
    const stage = await staged();
    const answered = stage.client.call('rpc.call', { ...CALL, discover: 1 });
    await stage.request();
    expect(await answered).toMatchObject({ result: { nodes: [] } });
    expect(await stage.client.notice('rpc.done')).toMatchObject({ end: 'complete', unheard: [] });
  });
});

describe('replies for which there is no room', () => {
  it('are dropped, and it is said where and how many', async () => {
    const stage = await staged({ queuedBytes: 3_000 });
    const { id, request } = await called(stage, { credit: 1 });
    let dropped = 0;
    for (let n = 1; n <= 20; n++)
      try {
        stage.ingress.reply(replyTo(request, `n${n}.example.net`));
      } catch (error) {
        expect(error).toMatchObject({ code: 'overloaded' });
        dropped++;
      }
    expect(dropped).toBeGreaterThan(5);
    await stage.client.call('rpc.credit', { id, n: 100 });
    expect(await stage.client.notice('rpc.gap')).toEqual({ id, missed: dropped });
    stage.ingress.reply(replyTo(request, 'last.example.net'));
    await stage.client.notice('rpc.reply', ({ sender }) => sender === 'last.example.net');
    const seqs = said(stage, 'rpc.reply').map(({ seq }) => seq);
    expect(seqs).toHaveLength(21 - dropped);
    expect(seqs.at(-1)).toBe(21);
    await stage.client.call('rpc.cancel', { id });
    expect(await stage.client.notice('rpc.done')).toMatchObject({ stats: { replies: 21, missed: dropped } });
  });
});

it('whoever may not discover is told no names of nodes', async () => {
  const stage = await staged();
  const list = () => stage.client.call('nodes.list', { collective: 'mcollective' });
  expect(await list()).toMatchObject({ result: { nodes: ['n1.example.net', 'n2.example.net'] } });
  expect(stage.foreseen).toMatchObject([
    { caller: 'oidc=alice@example.net', agent: 'discovery', payload: { kind: 'discovery' } },
  ]);
  stage.refuse(new Rejection('no_mapping', 'who is that?'));
  expect(await list()).toMatchObject({ error: { code: -32002 } });
  expect(stage.requests).toEqual([]);
});

describe('credit', () => {
  it('is how many replies come, until more is given; what waits comes then, in its order', async () => {
    const stage = await staged();
    const { id, request } = await called(stage, { credit: 2 });
    for (let n = 1; n <= 5; n++) stage.ingress.reply(replyTo(request, `n${n}.example.net`));
    const seqs = async () => {
      // Whatever was said before its answer has come with it.
      await stage.client.call('session.info');
      return said(stage, 'rpc.reply').map(({ seq }) => seq);
    };
    expect(await seqs()).toEqual([1, 2]);
    await stage.client.call('rpc.credit', { id, n: 2 });
    expect(await seqs()).toEqual([1, 2, 3, 4]);
    for (const n of [0, -1, 0.5, 1e9])
      expect(await stage.client.call('rpc.credit', { id, n })).toMatchObject({ error: { code: -32602 } });
    expect(await seqs()).toEqual([1, 2, 3, 4]);
    await stage.client.call('rpc.credit', { id, n: 1 });
    expect(await seqs()).toEqual([1, 2, 3, 4, 5]);
    expect(said(stage, 'rpc.gap')).toEqual([]);
  });

  it('is given by the session that has the call, and by no other', async () => {
    const stage = await staged();
    const { id, request } = await called(stage, { credit: 1 });
    const other = await connectWebClient(stage.ingress.status().server ?? '', { token: issuer.token() });
    for (const method of ['rpc.credit', 'rpc.cancel'])
      expect(await other.call(method, { id, ...(method === 'rpc.credit' && { n: 5 }) })).toMatchObject({
        error: { code: -32006 },
      });
    other.socket.terminate();
    stage.ingress.reply(replyTo(request, 'n1.example.net'));
    await stage.client.notice('rpc.reply');
    expect(said(stage, 'rpc.done')).toEqual([]);
  });
});

describe('a reply that cannot be written', () => {
  it('is missed like one for which there is no room', async () => {
    const stage = await staged();
    const { id, request } = await called(stage);
    const data = new Map(Array.from({ length: 400 }, (_, n) => [`n${n}`, 10n ** 1_000n]));
    expect(() => stage.ingress.reply(replyTo(request, 'n1.example.net', { ...OK, data }))).toThrow(
      expect.objectContaining({ code: 'limit_exceeded' }),
    );
    expect(await stage.client.notice('rpc.gap')).toEqual({ id, missed: 1 });
  });
});

describe('a session that ends', () => {
  it('takes its calls along', async () => {
    const stage = await staged();
    const { request } = await called(stage);
    stage.client.close();
    await stage.client.closed;
    await vi.waitFor(() =>
      expect(() => stage.ingress.reply(replyTo(request, 'n1.example.net'))).toThrow(
        expect.objectContaining({ code: 'invalid_reply_to' }),
      ),
    );
  });

  it('ends with its token, also during a call', async () => {
    const stage = await staged();
    const { request } = await called(stage);
    stage.pass(3_700_000);
    expect(await stage.client.closed).toMatchObject({ code: 4401 });
    await vi.waitFor(() => expect(stage.rejections).toMatchObject([{ code: 'expired' }]));
    expect(() => stage.ingress.reply(replyTo(request, 'n1.example.net'))).toThrow(
      'the session that asked has ended',
    );
  });
});

describe('nobody is asked in the name of who', () => {
  const targets = ['n1.example.net', 'n2.example.net'];

  it('has left while nodes were discovered', async () => {
    const stage = await staged();
    stage.client.socket.send(
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'rpc.call', params: { ...CALL, discover: 1 } }),
    );
    const discovery = await stage.request();
    const reply: ReplyPayload = { kind: 'discovery' };
    stage.ingress.reply(replyTo(discovery, 'n1.example.net', reply));
    stage.client.close();
    await vi.waitFor(() => expect(stage.rejections).toMatchObject([{ code: 'expired' }]));
    expect(stage.requests).toEqual([discovery]);
  });

  it('had a token that has ended, though its session still stands', async () => {
    const stage = await staged();
    const { request } = await called(stage, { targets, batch: 1 });
    stage.pass(3_600_000);
    stage.ingress.reply(replyTo(request, 'n1.example.net'));
    await stage.client.closed;
    expect(stage.requests).toHaveLength(1);
  });
});

describe('what is no message', () => {
  it.each<[string, string, number, string]>([
    ['what is no JSON', '{"jsonrpc":', -32700, 'malformed_json'],
    ['what is nested deep', `{"params":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, -32700, 'limit_exceeded'],
    ['what has very many values', `[${'0,'.repeat(30_000)}0]`, -32600, 'unsupported_body'],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"session.info"}]', -32600, 'unsupported_body'],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"session.info"}', -32600, 'unsupported_body'],
    [
      'params as a list',
      '{"jsonrpc":"2.0","id":1,"method":"session.info","params":[]}',
      -32600,
      'unsupported_body',
    ],
    ['a key too many', '{"jsonrpc":"2.0","id":1,"method":"session.info","x":1}', -32600, 'unsupported_body'],
    ['a number', '5', -32600, 'unsupported_body'],
  ])('%s is told, counted, and the session goes on', async (_, text, code, reason) => {
    const stage = await staged();
    stage.client.socket.send(text);
    await vi.waitFor(() =>
      expect(stage.client.stray).toMatchObject([{ id: null, error: { code, data: { code: reason } } }]),
    );
    expect(stage.rejections).toMatchObject([{ code: reason, context: { caller: 'oidc=alice@example.net' } }]);
    expect(await stage.client.call('session.info')).toHaveProperty('result');
  });

  it('ends the session where there is much of it', async () => {
    const stage = await staged();
    for (let n = 0; n < 40; n++) stage.client.socket.send('garbage');
    expect(await stage.client.closed).toMatchObject({ code: 4400 });
    expect(stage.client.stray).toHaveLength(33);
  });

  it('is nothing that a request with wrong params is, or one for a method that there is not', async () => {
    const stage = await staged();
    const answer = (method: string, params = {}) =>
      Promise.race([stage.client.call(method, params), stage.client.closed]);
    for (let n = 0; n < 50; n++) {
      expect(await answer('rpc.call', { ...CALL, ttl: 0 })).toMatchObject({ error: { code: -32602 } });
      expect(await answer(`rpc.${n}`)).toMatchObject({ error: { code: -32601 } });
    }
    expect(await answer('session.info')).toHaveProperty('result');
    // Each is counted all the same.
    expect(stage.rejections).toHaveLength(100);
  });

  it('a key such as __proto__ is a key like any other', async () => {
    const stage = await staged();
    const { request } = await called(stage, { data: JSON.parse('{"__proto__":{"polluted":true}}') });
    if (request.payload.kind !== 'rpc') throw new Error('it is an RPC request');
    expect([...request.payload.data.keys()]).toEqual(['__proto__']);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});

describe('an ingress', () => {
  it('that drains takes no calls, and carries replies', async () => {
    const stage = await staged();
    const { id, request } = await called(stage);
    await stage.ingress.drain();
    expect(await stage.client.call('rpc.call', CALL)).toMatchObject({ error: { code: -32005 } });
    stage.ingress.reply(replyTo(request, 'n1.example.net'));
    expect(await stage.client.notice('rpc.reply')).toMatchObject({ id, sender: 'n1.example.net' });
  });

  it('that is closed refuses replies', async () => {
    const stage = await staged();
    const { request } = await called(stage);
    await stage.ingress.close();
    expect(() => stage.ingress.reply(replyTo(request, 'n1.example.net'))).toThrow(
      expect.objectContaining({ code: 'draining' }),
    );
  });

  it('goes on where the one before it was', async () => {
    const stage = await staged();
    const { id, request } = await called(stage, { credit: 1 });
    const after = await stage.next();
    await stage.ingress.drain();
    after.ingress.reply(replyTo(request, 'n1.example.net'));
    after.ingress.reply(replyTo(request, 'n2.example.net'));
    await stage.ingress.close();
    await stage.client.call('rpc.credit', { id, n: 1 });
    await vi.waitFor(() => expect(said(stage, 'rpc.reply')).toHaveLength(2));
    const again = await stage.client.call('rpc.call', CALL);
    expect(again).toHaveProperty('result');
    expect([stage.requests.length, after.requests.length]).toEqual([1, 1]);
  });

  it('forgets the sessions of a link that is closed, and no others', async () => {
    const stage = await staged();
    const { request } = await called(stage);
    const other = new SharedLink(new WebSocketLink(SETTINGS, { onEvent: () => undefined }));
    const after = await stage.next(other);
    await stage.ingress.drain();
    after.ingress.reply(replyTo(request, 'n1.example.net'));
    await stage.client.notice('rpc.reply');
    void stage.link.retire();
    await stage.ingress.close();
    expect(await stage.client.closed).toMatchObject({ code: 1012 });
    expect(() => after.ingress.reply(replyTo(request, 'n2.example.net'))).toThrow(
      'the session that asked has ended',
    );
    await other.close();
  });
});

describe('what would become of a call', () => {
  it('is asked of the bridge with what the call would be, and sends nothing', async () => {
    const stage = await staged();
    const targets = ['n1.example.net', 'n2.example.net'];
    const answered = await stage.client.call('rpc.explain', { ...CALL, data: { a: 1 }, targets });
    expect(answered).toMatchObject({ result: {} });
    expect(stage.foreseen).toMatchObject([
      {
        caller: 'oidc=alice@example.net',
        ...{ collective: 'mcollective', agent: 'rpcutil' },
        targets: targets.map((node) => ({ kind: 'node', collective: 'mcollective', node })),
        payload: { kind: 'rpc', action: 'ping', data: new Map([['a', 1]]) },
      },
    ]);
    expect(stage.requests).toEqual([]);
  });

  it('is told as the call would be refused, and counted', async () => {
    const stage = await staged();
    stage.refuse(new Rejection('denied_by_policy', 'not at night', { rule: 'nights' }));
    const [foreseen, refused] = [
      await stage.client.call('rpc.explain', CALL),
      await stage.client.call('rpc.call', CALL),
    ];
    expect(foreseen).toMatchObject({ error: { code: -32001, message: 'not at night' } });
    expect({ ...foreseen, id: 0 }).toEqual({ ...refused, id: 0 });
    expect(JSON.stringify(foreseen)).not.toContain('nights');
    expect(stage.rejections).toMatchObject([
      { code: 'denied_by_policy', context: { caller: 'oidc=alice@example.net', rule: 'nights' } },
    ]);
  });

  it('takes no more nodes than a call, none twice, and nothing that only a call needs', async () => {
    const { client } = await staged();
    const many = Array.from({ length: 1001 }, (_, n) => `n${n}.example.net`);
    const asked = [{ targets: many }, { targets: ['n1', 'n1'] }, { discover: 2 }];
    for (const params of asked)
      expect(await client.call('rpc.explain', { ...CALL, ...params })).toMatchObject({
        error: { code: -32602 },
      });
  });
});
