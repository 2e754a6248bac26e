import { createHash, createPrivateKey } from 'node:crypto';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChoriaClient, createChoriaClient } from '../../src/client/index.ts';
import { openReply } from '../../src/client/reply.ts';
import { Rejection } from '../../src/envelope/rejection.ts';
import type { Link } from '../../src/transport/link.ts';
import { createNatsLink } from '../../src/transport/nats/index.ts';
import type { Json } from '../support/choria-messages.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { makeAuthority } from '../support/pki.ts';

let server: NatsServer;
let link: Link;
let nats: NatsConnection;
const alice = makeAuthority('client test CA').issue({ commonName: 'alice.mcollective' });

beforeAll(async () => {
  server = await startNatsServer();
  nats = await connect({ servers: server.url });
  link = createNatsLink({
    servers: [server.url],
    name: 'alice',
    failFast: true,
    onEvent: (event) => {
      if (event.kind === 'error') throw event.error;
    },
  });
  await link.open();
});

afterAll(async () => {
  await link.close();
  await nats.close();
  await server.stop();
});

const client = (federation: readonly string[] = []): ChoriaClient =>
  createChoriaClient({
    link,
    federation,
    collective: 'mcollective',
    identity: 'alice.mcollective',
    callerId: 'choria=alice.mcollective',
    privateKey: createPrivateKey(alice.privateKey),
    certificate: alice.certificate,
    dialect: 'go',
    clock: Date.now,
  });

/** How a reply may differ from a right one. */
interface Flaws {
  readonly requestId?: string;
  readonly agent?: string;
  readonly hash?: string;
  readonly protocol?: string;
  readonly body?: string;
}

const replyText = (requestId: string, agent: string, node: string, flaws: Flaws = {}): string => {
  const message = JSON.stringify({
    protocol: flaws.protocol ?? 'choria:reply:1',
    message: flaws.body ?? '{"statuscode":0,"statusmsg":"OK","data":{}}',
    envelope: {
      senderid: node,
      requestid: flaws.requestId ?? requestId,
      agent: flaws.agent ?? agent,
      time: 1,
    },
  });
  const hash = flaws.hash ?? createHash('sha256').update(message).digest('base64');
  const secure = JSON.stringify({ protocol: 'choria:secure:reply:1', message, hash });
  const data = Buffer.from(secure).toString('base64');
  return JSON.stringify({ protocol: 'choria:transport:1', data, headers: { mc_sender: node } });
};

const requestIdIn = (payload: string): string => {
  const transport: Json = JSON.parse(payload);
  const secure: Json = JSON.parse(Buffer.from(String(transport['data']), 'base64').toString());
  return JSON.parse(String(secure['message'])).envelope.requestid;
};

/** Answers what comes to a subject, once the server knows of it. */
const answering = async (subject: string, replies: (requestId: string) => readonly string[]) => {
  const held = nats.subscribe(subject, {
    callback: (_, message) => {
      for (const reply of replies(requestIdIn(message.string()))) message.respond(reply);
    },
  });
  await nats.flush();
  return () => held.unsubscribe();
};

const PING = { agent: 'rpcutil', action: 'ping' };

describe('the client', () => {
  test('is done as soon as all the nodes that it named have answered', async () => {
    const end = await answering('mcollective.node.*', (id) => [
      replyText(id, 'rpcutil', 'n1'),
      replyText(id, 'rpcutil', 'n2'),
    ]);
    const answer = await client().rpc({ ...PING, nodes: ['n1', 'n2'], timeout: 600_000 });
    end();
    expect(new Set(answer.replies.map(({ node }) => node))).toEqual(new Set(['n1', 'n2']));
    expect(answer).toMatchObject({ missing: [], rejected: [], sent: 2, unheard: 0 });
  });

  test('names the nodes that said nothing within the time', async () => {
    const end = await answering('mcollective.node.*', (id) => [replyText(id, 'rpcutil', 'n2')]);
    const answer = await client().rpc({ ...PING, nodes: ['n3', 'n2', 'n1'], timeout: 300 });
    end();
    expect(answer.missing).toEqual(['n3', 'n1']);
  });

  test('does not wait where nobody listens', async () => {
    const answer = await client().rpc({ ...PING, nodes: ['n1', 'n2'], timeout: 600_000 });
    expect(answer).toMatchObject({ replies: [], missing: ['n1', 'n2'], sent: 2, unheard: 2 });
  });

  test('waits for those who listen, where others do not', async () => {
    const end = await answering('choria.federation.one.federation', (id) => [replyText(id, 'rpcutil', 'n1')]);
    const answer = await client(['one', 'two']).rpc({ ...PING, nodes: ['n1'], timeout: 600_000 });
    end();
    expect(answer).toMatchObject({ replies: [{ node: 'n1' }], missing: [], sent: 2 });
  });

  test('does not wait for nodes whose broker has refused all messages, and takes it for none of them', async () => {
    const end = await answering('choria.federation.one.federation', (id) => [
      replyText(id, 'rpcutil', 'broker', { body: '{"statuscode":5,"statusmsg":"no","data":{}}' }),
    ]);
    const nodes = Array.from({ length: 201 }, (_, n) => `n${n}`);
    const answer = await client(['one']).rpc({ ...PING, nodes, timeout: 600_000 });
    end();
    expect(answer.replies.map(({ node }) => node)).toEqual(['broker', 'broker']);
    expect(answer.missing).toEqual(nodes);
  });

  test('waits for the other nodes of a message when one of them fails', async () => {
    const held = nats.subscribe('choria.federation.one.federation', {
      callback: (_, message) => {
        const id = requestIdIn(message.string());
        const failed = { body: '{"statuscode":5,"statusmsg":"no","data":{}}' };
        message.respond(replyText(id, 'rpcutil', 'n1', failed));
        setTimeout(() => message.respond(replyText(id, 'rpcutil', 'n2')), 100);
      },
    });
    await nats.flush();
    const answer = await client(['one']).rpc({ ...PING, nodes: ['n1', 'n2'], timeout: 5_000 });
    held.unsubscribe();
    expect(answer.replies.map(({ node }) => node)).toEqual(['n1', 'n2']);
    expect(answer.missing).toEqual([]);
  });

  test('is done with a broadcast when so many have answered as were expected', async () => {
    const end = await answering('mcollective.broadcast.agent.discovery', (id) =>
      ['n1', 'n1', 'n2', 'n3'].map((node) => replyText(id, 'discovery', node, { body: 'pong' })),
    );
    const answer = await client().discover({ expect: 2, timeout: 600_000 });
    end();
    // Two nodes of one name are both shown, and count as one.
    expect(answer.replies.map(({ node }) => node).slice(0, 3)).toEqual(['n1', 'n1', 'n2']);
  });

  test('tells of each reply as it comes', async () => {
    const end = await answering('mcollective.node.n1', (id) => [replyText(id, 'rpcutil', 'n1')]);
    const told: string[] = [];
    await client().rpc({ ...PING, nodes: ['n1'], timeout: 5_000, onReply: ({ node }) => told.push(node) });
    end();
    expect(told).toEqual(['n1']);
  });

  test('says what of the replies is wrong, and goes on waiting for a right one', async () => {
    const end = await answering('mcollective.node.n1', (id) => [
      'not JSON',
      replyText(id, 'rpcutil', 'n1', { hash: createHash('sha256').update('x').digest('base64') }),
      replyText(id, 'rpcutil', 'n1', { requestId: 'f'.repeat(32) }),
      replyText(id, 'rpcutil', 'n1'),
    ]);
    const answer = await client().rpc({ ...PING, nodes: ['n1'], timeout: 5_000 });
    end();
    expect(answer.rejected.map(({ code }) => code)).toEqual([
      'malformed_json',
      'invalid_hash',
      'requestid_mismatch',
    ]);
    expect(answer.replies).toHaveLength(1);
  });
});

const ID = '0123456789abcdef0123456789abcdef';
const expected = { requestId: ID, agent: 'rpcutil', maxBytes: 10_000 };

describe('a reply is refused', () => {
  test.each([
    [{ hash: createHash('sha256').update('x').digest('base64') }, 'invalid_hash'],
    [{ hash: '!' }, 'malformed_base64'],
    [{ requestId: 'f'.repeat(32) }, 'requestid_mismatch'],
    [{ agent: 'echo' }, 'agent_mismatch'],
    [{ protocol: 'choria:request:1' }, 'wrong_protocol'],
    [{ body: 'pong' }, 'malformed_json'],
    [{ body: '{"statusmsg":"OK","data":{}}' }, 'missing_field'],
    [{ body: `{"statuscode":0,"statusmsg":"${'x'.repeat(9_000)}","data":{}}` }, 'too_large'],
  ])('for %j', (flaws, code) => {
    const open = () => openReply(Buffer.from(replyText(ID, 'rpcutil', 'n1', flaws)), expected);
    expect(open).toThrow(Rejection);
    expect(open).toThrow(expect.objectContaining({ code }));
  });

  test('but not when it is right', () => {
    expect(openReply(Buffer.from(replyText(ID, 'rpcutil', 'n1')), expected)).toEqual({
      node: 'n1',
      payload: { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map() },
      trail: undefined,
    });
  });
});
