import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { ReadableRequest } from '../../src/envelope/message.ts';
import { Rejection } from '../../src/envelope/rejection.ts';
import { ConnectionLost, RequestRefused, WebSocketClient } from '../../src/public/websocket-client.ts';
import { freePort } from '../../src/testing/ports.ts';
import { CLOSE } from '../../src/transport/websocket/places.ts';
import { OK, type Stage, startStage } from '../adapters/websocket/world.ts';
import { issuer } from '../transport/websocket/world.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const CALL = { collective: 'mcollective', agent: 'rpcutil', action: 'ping' };
const backoff = { initial: 10, max: 50 };

const staged = async (options = {}): Promise<{ readonly stage: Stage; readonly client: WebSocketClient }> => {
  const stage = await startStage();
  const url = stage.ingress.status().server ?? '';
  const client = new WebSocketClient({
    url,
    token: () => issuer.token({ email: 'bob@example.net' }),
    webSocket: WebSocket,
    backoff,
    ...options,
  });
  ends.push(() => client.close(), stage.end);
  return { stage, client };
};

const reply = ({ ingress }: Stage, { home, time }: ReadableRequest, sender: string): void =>
  ingress.reply({ home, sender, time, payload: OK });

describe('a client over WebSockets', () => {
  it.each(['there yet', 'ever there'])('tells who waits where no bridge is %s', async (when) => {
    const port = await freePort();
    // The second says nothing after an attempt that failed, as that of Node.js 20 does.
    class Mute extends WebSocket {
      override emit(name: string, ...args: unknown[]): boolean {
        return name === 'close' ? false : super.emit(name, ...args);
      }
    }
    const webSocket = when === 'there yet' ? WebSocket : Mute;
    const url = `ws://127.0.0.1:${port}`;
    const client = new WebSocketClient({ url, webSocket, backoff, connectTimeout: 1_000 });
    ends.push(() => client.close());
    const refused = await client.info().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConnectionLost);
    expect(refused).toMatchObject({
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('says who it is by its token, and asks who is there', async () => {
    const { client, stage } = await staged();
    expect(await client.info()).toMatchObject({
      caller: 'oidc=bob@example.net',
      identity: 'bridge.example.net',
    });
    expect(await client.nodes('mcollective')).toEqual(['n1.example.net', 'n2.example.net']);
    const found = client.discover({ collective: 'mcollective', timeout: 1 });
    const request = await stage.request();
    reply(stage, request, 'n1.example.net');
    expect(await found).toEqual(['n1.example.net']);
  });

  it('hands over replies as they come, and how the call ended', async () => {
    const { client, stage } = await staged();
    const targets = ['n1.example.net', 'n2.example.net'];
    const call = await client.call({ ...CALL, targets, data: { a: 1 } });
    expect(call.nodes).toEqual(targets);
    const request = await stage.request();
    const senders: string[] = [];
    reply(stage, request, 'n1.example.net');
    for await (const one of call) {
      if (one.kind === 'reply') senders.push(one.sender);
      if (senders.length === 1) reply(stage, request, 'n2.example.net');
    }
    expect(senders).toEqual(targets);
    expect(await call.done).toMatchObject({ end: 'complete', stats: { replies: 2 }, unheard: [] });
  });

  it('gives credit as replies are taken, and no sooner', async () => {
    const { client, stage } = await staged({ window: 4 });
    const targets = Array.from({ length: 50 }, (_, n) => `n${n}.example.net`);
    const call = await client.call({ ...CALL, targets });
    const request = await stage.request();
    for (const target of targets) reply(stage, request, target);
    const { replies, done } = await call.collect();
    expect(replies.map(({ sender }) => sender)).toEqual(targets);
    expect(done).toMatchObject({ end: 'complete', stats: { missed: 0 } });
  });

  it('cancels', async () => {
    const { client } = await staged();
    const call = await client.call(CALL);
    await call.cancel();
    expect(await call.collect()).toMatchObject({ replies: [], done: { end: 'cancelled' } });
  });

  it('tells why a call is refused', async () => {
    const { client, stage } = await staged();
    stage.refuse(new Rejection('denied_by_policy', 'ask the owners'));
    const refused = client.call(CALL);
    await expect(refused).rejects.toThrow(RequestRefused);
    await expect(refused).rejects.toMatchObject({
      code: -32001,
      reason: 'denied_by_policy',
      message: 'ask the owners',
    });
  });
});

describe('a connection that is lost', () => {
  /** Ends all sessions of the client with a code. */
  const cut = (stage: Stage, request: ReadableRequest, code: number): void =>
    stage.link.lease().send({
      destination: request.home.replyTo.split('.')[0] ?? '',
      headers: { [CLOSE]: String(code) },
      body: Buffer.from('the bridge starts anew'),
      expires: Number.POSITIVE_INFINITY,
    });

  it('takes its calls along, and the next question goes by another', async () => {
    const { client, stage } = await staged();
    const call = await client.call(CALL);
    cut(stage, await stage.request(), 1012);
    await expect(call.collect()).rejects.toThrow(ConnectionLost);
    await expect(call.done).rejects.toMatchObject({ code: 1012, message: 'the bridge starts anew' });
    expect(await client.info()).toMatchObject({ caller: 'oidc=bob@example.net' });
  });

  it('is not made anew where the bridge says that it is of no use', async () => {
    const { client, stage } = await staged();
    const call = await client.call(CALL);
    cut(stage, await stage.request(), 4401);
    await expect(call.done).rejects.toMatchObject({ code: 4401 });
    await expect(client.info()).rejects.toMatchObject({ code: 4401 });
  });

  it('is tried again after a while by chance, which grows', async () => {
    const tries: number[] = [];
    const random = vi.fn(() => 0.5);
    class Never {
      constructor() {
        tries.push(performance.now());
      }
      send(): void {}
      close(): void {}
      addEventListener(type: string, listener: (event: object) => void): void {
        if (type === 'close') queueMicrotask(() => listener({ code: 1006, reason: '' }));
      }
    }
    const client = new WebSocketClient({ url: 'ws://nowhere', webSocket: Never, backoff, random });
    const asked = client.info();
    await vi.waitFor(() => expect(tries.length).toBeGreaterThan(3));
    client.close();
    await expect(asked).rejects.toThrow('the client is closed');
    expect(random.mock.calls.length).toBeGreaterThan(2);
  });

  it.each<[string, string | Buffer]>([
    ['no JSON', 'hello'],
    ['JSON, but no message', 'null'],
    ['bytes', Buffer.from([0, 1])],
  ])('is given up where %s comes, and the next question goes by another', async (_, said) => {
    const port = await freePort();
    const server = new WebSocketServer({ host: '127.0.0.1', port });
    ends.push(() => server.close());
    let sessions = 0;
    server.on('connection', (socket) => {
      const isFirst = ++sessions === 1;
      socket.on('message', (text) => {
        const { id } = JSON.parse(String(text));
        socket.send(isFirst ? said : JSON.stringify({ jsonrpc: '2.0', id, result: { nodes: ['n1'] } }));
      });
    });
    await once(server, 'listening');
    const client = new WebSocketClient({
      url: `ws://127.0.0.1:${port}`,
      webSocket: WebSocket,
      backoff,
    });
    ends.push(() => client.close());
    await expect(client.nodes('mcollective')).rejects.toMatchObject({ name: 'ConnectionLost', code: 4002 });
    expect(await client.nodes('mcollective')).toEqual(['n1']);
  });

  it('needs a WebSocket', () => {
    vi.stubGlobal('WebSocket', undefined);
    ends.push(() => vi.unstubAllGlobals());
    expect(() => new WebSocketClient({ url: 'ws://nowhere' })).toThrow('there is no global WebSocket here');
  });

  it('says why there was no connection when a request has waited long enough', async () => {
    const { client } = await staged({ token: () => 'no token', connectTimeout: 200 });
    await expect(client.info()).rejects.toThrow(/401/);
    await expect(client.info()).rejects.toBeInstanceOf(ConnectionLost);
  });
});
