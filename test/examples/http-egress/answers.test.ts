import { EventEmitter, once } from 'node:events';
import type { RejectionCode } from 'mcbridge/adapter';
import { requestAt, toNodes, until } from 'mcbridge/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpLinkSettings } from '../../../examples/http-egress/settings.js';
import {
  answerFor,
  beginLines,
  type HttpServer,
  lineOf,
  type Posted,
  requestIn,
  startHttpServer,
} from './server.ts';
import { type Started, startEgress } from './world.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const now = (): number => Math.floor(Date.now() / 1000);

/** A request of that id. */
const requestOf = (id: string) => requestAt(now(), { id, home: { ...requestAt(now()).home, requestId: id } });

/** Asks a server that answers so. */
const asked = async (
  onPost: (posted: Posted) => void,
  {
    nodes,
    clock,
    ...settings
  }: Partial<HttpLinkSettings> & { nodes?: readonly string[]; clock?: () => number } = {},
): Promise<Started & { readonly server: HttpServer }> => {
  const server = await startHttpServer({ onPost });
  ends.push(() => server.close());
  const started = await startEgress(server.url, settings, clock && { clock });
  ends.push(() => started.egress.close());
  await started.egress.deliver(requestAt(now(), nodes && { targets: toNodes(nodes) }));
  return { ...started, server };
};

const LIMITS = { lines: 100, lineBytes: 100_000, bytes: 1_000_000 };
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
const html = '<html><body>It works!</body></html>';
const repeat = (posted: Posted, chunk: string | Buffer): void => {
  const answer = beginLines(posted);
  const more = (): void => {
    while (!answer.destroyed && answer.write(chunk));
  };
  answer.on('drain', more).on('close', () => answer.destroy());
  more();
};

/** What a server may do, and what becomes of the request: whoever waits is told of it. */
const WRONG: readonly (readonly [string, (posted: Posted) => void, RejectionCode, RegExp])[] = [
  [
    'an answer that never ends',
    (it) => repeat(it, `${'\n'.repeat(1000)}`),
    'limit_exceeded',
    /more than 100 lines/,
  ],
  [
    'a line of 10 MB',
    (it) => beginLines(it).end(`"${'x'.repeat(10_000_000)}"\n`),
    'too_large',
    /max_line_bytes/,
  ],
  [
    'a million lines',
    (it) => beginLines(it).end(`${'\n'.repeat(1_000_000)}`),
    'limit_exceeded',
    /more than 100 lines \(max_lines\)/,
  ],
  [
    '500',
    (it) => it.response.writeHead(500).end('no'),
    'far_side_failed',
    /answers 500 Internal Server Error/,
  ],
  [
    'words of its own for a status',
    (it) => it.response.writeHead(501, 'hunter2').end(),
    'far_side_failed',
    /answers 501 Not Implemented, and 200 is wanted$/,
  ],
  [
    'a redirect elsewhere',
    (it) => it.response.writeHead(302, { location: 'https://u:p@sso.example.net/x?state=hunter2' }).end(),
    'far_side_failed',
    /302 Found, to "https:\/\/sso\.example\.net", and redirects are not followed$/,
  ],
  [
    'a redirect to another path',
    (it) => it.response.writeHead(308, { location: '/mco/?state=hunter2' }).end(),
    'far_side_failed',
    /308 Permanent Redirect, to "\/mco\/", and redirects are not followed$/,
  ],
  [
    'another protocol than HTTP, which nobody asked for',
    ({ response }) => void response.socket?.write(SWITCHING),
    'far_side_failed',
    /answers 101 Switching Protocols, which nobody has asked for$/,
  ],
  ['503', (it) => it.response.writeHead(503).end(), 'far_side_failed', /what is behind it is away/],
  ['403', (it) => it.response.writeHead(403).end(), 'not_permitted', /403 Forbidden/],
  [
    'a page for people',
    (it) => it.response.writeHead(200, { 'content-type': `text/html; id=hunter2` }).end(html),
    'far_side_failed',
    /answers with "text\/html", and application\/x-ndjson is wanted$/,
  ],
  [
    'a type without end',
    (it) => it.response.writeHead(200, { 'content-type': 'x'.repeat(10_000) }).end(html),
    'far_side_failed',
    /answers with "x{97}…", and/,
  ],
  ['lines that are no JSON', (it) => beginLines(it).end(`${html}\n`), 'malformed_json', /not JSON/],
  ['JSON that is no object', (it) => beginLines(it).end('[1]\n'), 'unsupported_body', /no object/],
  ['JSON that is no reply', (it) => beginLines(it).end('{"pong":1}\n'), 'wrong_protocol', /protocol/],
  [
    'a connection that breaks',
    (it) => {
      const answer = beginLines(it);
      answer.write('{"protocol":', () => answer.destroy());
    },
    'far_side_failed',
    /connection was closed/,
  ],
  ['no HTTP', (it) => void it.response.socket?.end('hello\r\n\r\n'), 'far_side_failed', /not HTTP/],
];

describe('a server that gives', () => {
  it.each(WRONG)('%s: who waits is told', async (_, onPost, code, sentence) => {
    const { replies, refused, server } = await asked(onPost, { answer: LIMITS, timeout: 60_000 });
    await until('it is refused', () => refused.length > 0);
    expect(refused[0]).toMatchObject({
      rejection: { code, message: expect.stringMatching(sentence) },
      home: { ingress: 'federation', agent: 'rpcutil' },
      broadcast: true,
    });
    expect([replies, refused.length]).toEqual([[], 1]);
    // At most once: nothing is asked again.
    expect(server.posted).toHaveLength(1);
  });

  it('no word at all: who waits is told', async () => {
    const { refused } = await asked(() => undefined, { timeout: 1500 });
    await until('it is refused', () => refused.length > 0);
    expect(refused[0]).toMatchObject({
      rejection: {
        code: 'far_side_failed',
        message: expect.stringContaining('says nothing within 1500 ms'),
      },
      home: { agent: 'rpcutil' },
    });
  });

  it('more bytes than are allowed in all: what came before counts, and who waits is told', async () => {
    const data = { statuscode: 0, statusmsg: 'OK', data: { text: 'x'.repeat(1_000) } };
    const { replies, refused } = await asked(
      (it) => beginLines(it).end(lineOf(it, 'n1', data) + lineOf(it, 'n2', data)),
      { answer: { ...LIMITS, bytes: 2_000 } },
    );
    await until('it is refused', () => refused.length === 1);
    expect(refused[0]).toMatchObject({
      rejection: {
        code: 'limit_exceeded',
        message: expect.stringContaining('2000 bytes (max_answer_bytes)'),
      },
      home: { agent: 'rpcutil' },
    });
    expect(replies.length).toBeLessThan(2);
  });

  it('many lines that are none, is told of once', async () => {
    const { refused } = await asked((it) => beginLines(it).end('{}\n'.repeat(99)), { answer: LIMITS });
    await until('all are refused', () => refused.length === 99);
    expect(refused.filter(({ home }) => home !== undefined)).toHaveLength(1);
  });

  it('lines as they come, hands them over as they come', async () => {
    let go = (): void => undefined;
    const { replies } = await asked((posted) => {
      const answer = beginLines(posted);
      answer.write(lineOf(posted, 'n1'));
      go = () => void answer.end(lineOf(posted, 'n2'));
    });
    await until('the first is there', () => replies.length === 1);
    go();
    await until('the second is there', () => replies.length === 2);
    expect(replies.map(({ sender }) => sender)).toEqual(['n1', 'n2']);
  });
});

describe('a line is refused', () => {
  it('of a node that was not asked', async () => {
    const { replies, refused } = await asked(
      (it) => beginLines(it).end(lineOf(it, 'n1') + lineOf(it, 'n9')),
      {
        nodes: ['n1'],
      },
    );
    await until('it is refused', () => refused.length === 1);
    expect(replies.map(({ sender }) => sender)).toEqual(['n1']);
    expect(refused[0]).toMatchObject({ rejection: { code: 'unexpected_sender', context: { sender: 'n9' } } });
  });

  it('of a node that has answered', async () => {
    const { replies, refused } = await asked((it) => beginLines(it).end(lineOf(it, 'n1').repeat(2)));
    await until('it is refused', () => refused.length === 1);
    expect(replies).toHaveLength(1);
    expect(refused[0]?.rejection).toMatchObject({
      code: 'unexpected_sender',
      message: expect.stringContaining('n1 has answered this request before'),
    });
  });

  it('that belongs to another request', async () => {
    const posted: Posted[] = [];
    const { egress, replies, refused } = await asked((it) => void posted.push(it));
    await egress.deliver(requestOf('f'.repeat(32)));
    await until('both are there', () => posted.length === 2);
    const [first, second] = posted;
    if (first === undefined || second === undefined) throw new Error('there are two');
    beginLines(first).end(lineOf(second, 'n1'));
    beginLines(second).end();
    await until('it is refused', () => refused.length === 1);
    expect([replies, refused[0]?.rejection.code]).toEqual([[], 'requestid_mismatch']);
  });

  it('that answers another question of the bridge’s own', async () => {
    const posted: Posted[] = [];
    const { egress, refused } = await asked(
      (it) => void (requestIn(it)['agent'] === 'discovery' && posted.push(it)),
    );
    const found: string[] = [];
    for (const collective of ['mcollective', 'other'])
      await egress.discover?.(collective, (node) => void found.push(`${node} of ${collective}`));
    await until('both are there', () => posted.length === 2);
    const [first, second] = posted;
    if (first === undefined || second === undefined) throw new Error('there are two');
    beginLines(first).end(lineOf(second, 'n1'));
    beginLines(second).end(lineOf(second, 'n2'));
    await until('one is refused, and one is taken', () => refused.length === 1 && found.length === 1);
    expect(refused[0]?.rejection.code).toBe('requestid_mismatch');
    expect(found).toEqual([`n2 of ${requestIn(second)['collective']}`]);
  });

  it('that comes after its request’s ttl', async () => {
    let time = Date.now();
    const { replies, refused, server } = await asked(() => undefined, { clock: () => time });
    await until('it is asked', () => server.posted.length === 1);
    time += 62_000;
    for (const one of server.posted) beginLines(one).end(lineOf(one, 'n1'));
    await until('it is refused', () => refused.length === 1);
    expect(replies).toEqual([]);
    expect(refused[0]).toMatchObject({ rejection: { code: 'token_expired' }, home: undefined });
  });
});

describe('requests', () => {
  it('go out with their reply token, and name the bridge by its token alone', async () => {
    const { server, replies } = await asked(answerFor(['n1', 'n2']), { token: 'sesame', nodes: ['n2'] });
    await until('the node has answered', () => replies.length === 1);
    const [{ headers, body } = { headers: {}, body: Buffer.alloc(0) }] = server.posted;
    expect(headers).toMatchObject({
      authorization: 'Bearer sesame',
      'content-type': 'application/json',
      'mcbridge-reply-to': expect.stringMatching(/^mcbridge\.reply\.prod\.mcollective\.[\w-]{60,}$/),
    });
    expect(JSON.parse(body.toString())).toMatchObject({ callerid: 'cert=alice', nodes: ['n2'] });
  });

  it('name two hundred nodes at most each', async () => {
    const nodes = Array.from({ length: 450 }, (_, i) => `n${i}.example.net`);
    const { server, replies } = await asked(answerFor(nodes), { nodes });
    await until('all have answered', () => replies.length === nodes.length);
    expect(server.posted.map(({ body }) => JSON.parse(body.toString()).nodes.length)).toEqual([200, 200, 50]);
  });

  it('share their connections, and never have more of them than they may', async () => {
    const held: Posted[] = [];
    const { egress, server, replies } = await asked((it) => void held.push(it), { connections: 2 });
    for (const i of [1, 2, 3, 4]) await egress.deliver(requestOf(`${i}`.repeat(32)));
    await until('two are there', () => held.length === 2);
    expect(egress.status().buffered).toBe(3);
    while (replies.length < 5) {
      await until('one is there', () => held.length > 0 || replies.length === 5);
      for (const one of held.splice(0)) answerFor(['n1'])(one);
      await until('it is answered', () => replies.length === 5 || held.length > 0);
    }
    expect(server.posted).toHaveLength(5);
  });

  it('that are held for long do not hold up the bridge’s own', async () => {
    const held: Posted[] = [];
    const { egress, server } = await asked(
      (it) => (requestIn(it)['agent'] === 'discovery' ? answerFor(['n1'])(it) : void held.push(it)),
      { connections: 1 },
    );
    await until('the one slot is taken', () => held.length === 1);
    await egress.deliver(requestOf('1'.repeat(32)));
    const found: string[] = [];
    await egress.discover?.('mcollective', (node) => void found.push(node));
    await until('it is found', () => found.length === 1);
    expect([server.posted.length, egress.status().buffered]).toEqual([2, 1]);
  });

  it('wait while it is in doubt that the server is there', async () => {
    const ask = new EventEmitter();
    const { egress, refused, events, server } = await asked(() => ask.emit('posted'), { connections: 2 });
    // On their way, or waiting for one of two slots, when the server goes.
    const gone = once(ask, 'posted').then(() => server.close());
    for (let i = 1; i < 10; i++) await egress.deliver(requestOf(`${i}`.repeat(32)));
    await gone;
    await until('it is known', () => events.some(({ kind }) => kind === 'disconnected'));
    expect([refused.length, egress.status().buffered]).toEqual([2, 8]);
  });

  it('of the bridge’s own find who is there', async () => {
    const { egress, replies, refused } = await asked(answerFor(['n1', 'n2']));
    const found: string[] = [];
    await egress.discover?.('mcollective', (node) => void found.push(node));
    await until('both are found', () => found.length === 2);
    await until('both have answered the request before', () => replies.length === 2);
    expect([found, refused]).toEqual([['n1', 'n2'], []]);
  });
});
