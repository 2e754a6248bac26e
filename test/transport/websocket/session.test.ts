import { EventEmitter, once } from 'node:events';
import { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { LinkError, type LinkEvent } from '../../../src/transport/link.ts';
import { WebSocketLink } from '../../../src/transport/websocket/link.ts';
import {
  CLOSE,
  SESSION_ENDED,
  SESSION_OPENED,
  SESSION_SAID,
} from '../../../src/transport/websocket/places.ts';
import { Session } from '../../../src/transport/websocket/session.ts';
import type { WebSocketSettings } from '../../../src/transport/websocket/settings.ts';
import { connectWebClient, type WebClient, type WebClientOptions } from '../../support/web-client.ts';
import { issuer, LIMITS, SETTINGS, type Stage, startStage } from './world.ts';

const stages: Stage[] = [];
const clients: WebClient[] = [];
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.terminate();
  for (const { link } of stages.splice(0)) await link.close();
});

const staged = async (settings: Partial<WebSocketSettings> = {}, clock?: () => number): Promise<Stage> => {
  const stage = await startStage(settings, clock);
  stages.push(stage);
  return stage;
};

const connected = async ({ url }: Stage, options: WebClientOptions = {}): Promise<WebClient> => {
  const client = await connectWebClient(url, { token: issuer.token(), ...options });
  clients.push(client);
  return client;
};

const sessionOf = (stage: Stage): string => stage.at(SESSION_OPENED)[0]?.replyTo ?? '';
const toSession = (destination: string, text: string, headers = {}) => ({
  destination,
  headers,
  body: Buffer.from(text),
  expires: Number.POSITIVE_INFINITY,
});

/** The raw connection of a client, which writes whatever it is given. */
const rawOf = ({ socket }: WebClient): Socket => {
  const raw: unknown = Reflect.get(socket, '_socket');
  if (raw instanceof Socket) return raw;
  throw new Error('a WebSocket has a socket');
};

/** A frame of a client as RFC 6455 has it; its mask is all zeros. */
const frame = (first: number, payload: Buffer): Buffer => {
  const { length } = payload;
  const size = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([first, ...size, 0, 0, 0, 0]), payload]);
};

describe('a session', () => {
  it('hands over what its client says, and says what it is sent', async () => {
    const stage = await staged();
    const client = await connected(stage);
    const answered = client.call('ping');
    const said = await vi.waitFor(() => {
      const [message] = stage.at(SESSION_SAID);
      if (message === undefined) throw new Error('nothing was said');
      return message;
    });
    expect(said).toMatchObject({ replyTo: sessionOf(stage), headers: { caller: 'oidc=alice@example.net' } });
    expect(JSON.parse(said.body.toString())).toMatchObject({ method: 'ping' });
    stage.link.send(toSession(sessionOf(stage), '{"jsonrpc":"2.0","id":1,"result":{"pong":1}}'));
    expect(await answered).toMatchObject({ result: { pong: 1 } });
  });

  it('ends with the code that it is sent, and nothing is sent to it after that', async () => {
    const stage = await staged();
    const client = await connected(stage);
    stage.link.send(toSession(sessionOf(stage), 'no more', { [CLOSE]: '4400' }));
    expect(await client.closed).toEqual({ code: 4400, reason: 'no more' });
    await vi.waitFor(() => expect(stage.at(SESSION_ENDED)).toHaveLength(1));
    expect(() => stage.link.send(toSession(sessionOf(stage), 'x'))).toThrow(
      new LinkError('protocol', 'there is no such session'),
    );
  });

  it('is told so much of a long reason as a close frame holds, in whole characters', async () => {
    const stage = await staged();
    const client = await connected(stage);
    stage.link.send(toSession(sessionOf(stage), 'é'.repeat(100), { [CLOSE]: '4400' }));
    expect(await client.closed).toEqual({ code: 4400, reason: `${'é'.repeat(58)}…` });
  });

  it('ends with its token', async () => {
    let now = Date.now();
    const stage = await staged({}, () => now);
    const client = await connected(stage);
    now += 3600 * 1000 + 1;
    expect(await client.closed).toMatchObject({ code: 4401 });
    await stage.fault('token_ended');
  });

  it('ends with 1012 where the link is closed', async () => {
    const stage = await staged();
    const client = await connected(stage);
    const closing = stage.link.close();
    expect(await client.closed).toMatchObject({ code: 1012 });
    await closing;
    expect(stage.link.state()).toMatchObject({ up: false, reason: 'closed' });
  });

  it('ends where its client answers no ping', async () => {
    let now = Date.now();
    const stage = await staged({ limits: { ...LIMITS, ping: 1_000 } }, () => now);
    const client = await connected(stage, { autoPong: false });
    const pinged = new Promise((resolve) => client.socket.once('ping', resolve));
    now += 1_001;
    await pinged;
    now += 1_001;
    expect(await client.closed).toMatchObject({ code: 4408 });
    await stage.fault('silent');
  });

  it('lives where its client answers pings', async () => {
    let now = Date.now();
    const stage = await staged({ limits: { ...LIMITS, ping: 1_000 } }, () => now);
    const client = await connected(stage);
    for (let round = 0; round < 3; round++) {
      const pinged = new Promise((resolve) => client.socket.once('ping', resolve));
      now += 1_001;
      await pinged;
      client.socket.send(`round ${round}`);
      // The pong is before it.
      await vi.waitFor(() => expect(stage.at(SESSION_SAID)).toHaveLength(round + 1));
    }
    expect(stage.at(SESSION_ENDED)).toEqual([]);
  });
});

describe('there are no more sessions than there may be', () => {
  it('of one caller', async () => {
    const stage = await staged({ limits: { ...LIMITS, sessionsPerCaller: 1 } });
    const first = await connected(stage);
    const second = await connected(stage);
    expect(await second.closed).toMatchObject({ code: 4429 });
    await stage.fault('too_many_sessions');
    const other = await connected(stage, { token: issuer.token({ email: 'bob@example.net' }) });
    expect(other.socket.readyState).toBe(other.socket.OPEN);
    first.close();
    await vi.waitFor(() => expect(stage.at(SESSION_ENDED)).toHaveLength(1));
    await connected(stage);
    expect(stage.at(SESSION_OPENED)).toHaveLength(3);
  });

  it('in all', async () => {
    const stage = await staged({ limits: { ...LIMITS, sessions: 1 } });
    await connected(stage);
    const second = await connected(stage, { token: issuer.token({ email: 'bob@example.net' }) });
    expect(await second.closed).toMatchObject({ code: 1013 });
  });

  it('and strangers that say nothing shut nobody out: the oldest of them makes room', async () => {
    const stage = await staged();
    const { port } = new URL(stage.url);
    const strangers: Socket[] = [];
    for (let n = 0; n < 64; n++) {
      const one = new Socket().on('error', () => undefined).connect(Number(port), '127.0.0.1');
      await once(one, 'connect');
      strangers.push(one);
    }
    const [oldest, ...others] = strangers;
    const gone = new Promise((resolve) => oldest?.on('close', resolve));
    await connected(stage);
    await gone;
    // Who is cut off since it took too long is not alone with that.
    expect(others.filter(({ closed }) => closed)).toEqual([]);
    for (const one of others) one.destroy();
    expect(stage.at(SESSION_OPENED)).toHaveLength(1);
  });
});

describe('a client that harms', () => {
  it.each<[string, string, number, (client: WebClient) => void]>([
    ['sends bytes', 'binary', 4400, ({ socket }) => socket.send(Buffer.from([1, 2, 3]))],
    [
      'sends a message too long',
      'too_large',
      1009,
      ({ socket }) => socket.send('x'.repeat(LIMITS.messageBytes + 1)),
    ],
    [
      'sends 1 MB of JSON',
      'too_large',
      1009,
      ({ socket }) => socket.send(JSON.stringify('x'.repeat(1024 ** 2))),
    ],
    [
      'sends what is not UTF-8',
      'not_utf8',
      1007,
      (client) => rawOf(client).write(frame(0x81, Buffer.from([0xc3, 0x28]))),
    ],
    [
      'sends a message in many pieces',
      'too_many_fragments',
      1008,
      (client) => {
        rawOf(client).write(frame(0x01, Buffer.from('x')));
        for (let n = 0; n < 1_000; n++) rawOf(client).write(frame(0x00, Buffer.from('x')));
      },
    ],
    [
      'sends empty pieces for ever',
      'too_many_fragments',
      1008,
      (client) => {
        rawOf(client).write(frame(0x01, Buffer.alloc(0)));
        for (let n = 0; n < 1_000; n++) rawOf(client).write(frame(0x00, Buffer.alloc(0)));
      },
    ],
    [
      'sends a frame of no kind',
      'bad_frame',
      1002,
      (client) => rawOf(client).write(frame(0x83, Buffer.from('x'))),
    ],
    [
      'sends what is compressed',
      'bad_frame',
      1002,
      (client) => rawOf(client).write(frame(0xc1, Buffer.from('x'))),
    ],
  ])('%s, is counted as %s and ended', async (_, fault, code, act) => {
    const stage = await staged();
    const client = await connected(stage);
    act(client);
    expect(await client.closed).toMatchObject({ code });
    expect((await stage.fault(fault)).headers).toMatchObject({ caller: 'oidc=alice@example.net' });
    expect(stage.at(SESSION_SAID)).toEqual([]);
  });

  it('that reads nothing is cut off, and what waited for it is let go', async () => {
    const stage = await staged();
    const client = await connected(stage);
    rawOf(client).pause();
    const text = 'x'.repeat(64 * 1024);
    const session = sessionOf(stage);
    let isCut = false;
    for (let n = 0; n < 1_000 && !isCut; n++) {
      stage.link.send(toSession(session, text));
      await new Promise((resolve) => setImmediate(resolve));
      isCut = stage.at(SESSION_ENDED).length > 0;
    }
    await stage.fault('slow_reader');
    expect(stage.link.state().buffered).toBe(0);
  });

  it('that takes no pongs is cut off too, though nothing else is said to it', () => {
    const terminate = vi.fn();
    const socket = Object.assign(new EventEmitter(), { bufferedAmount: 0, terminate });
    const ended = vi.fn();
    const who = { caller: 'cert=bob', until: undefined };
    const session = new Session(
      socket as unknown as WebSocket,
      { id: 'one', who },
      LIMITS,
      { said: () => undefined, ended },
      0,
    );
    session.look(500);
    expect(terminate).not.toHaveBeenCalled();
    socket.bufferedAmount = LIMITS.bufferedBytes + 1;
    session.look(1_000);
    expect(terminate).toHaveBeenCalledOnce();
    socket.emit('close');
    expect(ended).toHaveBeenCalledWith(expect.objectContaining({ fault: 'slow_reader' }));
  });

  it('that sends a million tiny pongs is read no faster either', async () => {
    const now = Date.now();
    const stage = await staged({}, () => now);
    const client = await connected(stage);
    const tiny = Buffer.concat(Array.from({ length: 10_000 }, () => frame(0x8a, Buffer.alloc(0))));
    let isFull = false;
    for (let n = 0; n < 300; n++) isFull = !rawOf(client).write(tiny) || isFull;
    expect(isFull).toBe(true);
    const other = await connected(stage, { token: issuer.token({ email: 'bob@example.net' }) });
    other.socket.send('hello');
    await vi.waitFor(() => expect(stage.at(SESSION_SAID)).toHaveLength(1));
    // What is not read waits with its client, and does not become less.
    let left = -1;
    await vi.waitFor(
      () => {
        const before = left;
        left = rawOf(client).writableLength;
        expect(left).toBe(before);
      },
      { interval: 300 },
    );
    expect(left).toBeGreaterThan(0);
    rawOf(client).destroy();
  });

  it('that sends a million tiny messages is read as fast as it may, and no faster', async () => {
    let now = Date.now();
    const stage = await staged({}, () => now);
    const client = await connected(stage);
    const raw = rawOf(client);
    const tiny = Buffer.concat(Array.from({ length: 10_000 }, () => frame(0x81, Buffer.from('{}'))));
    let isFull = false;
    for (let n = 0; n < 100; n++) isFull = !raw.write(tiny) || isFull;
    expect(isFull).toBe(true);
    const other = await connected(stage, { token: issuer.token({ email: 'bob@example.net' }) });
    other.socket.send('hello');
    const hears = () => stage.at(SESSION_SAID).some(({ body }) => body.toString() === 'hello');
    await vi.waitFor(() => expect(hears()).toBe(true));
    // One read of a socket is done with, and no more is read while no time goes by.
    const read = stage.at(SESSION_SAID).length;
    expect(read).toBeGreaterThanOrEqual(400);
    expect(read).toBeLessThan(20_000);
    now += 3_600_000;
    raw.destroy();
    await vi.waitFor(() => expect(stage.at(SESSION_ENDED).length).toBeGreaterThan(0));
  });
});

describe('the listener', () => {
  it('is there while somebody takes sessions, and sessions outlive it', async () => {
    const stage = await staged();
    const client = await connected(stage);
    const events: LinkEvent[] = [];
    const link = new WebSocketLink(SETTINGS, { onEvent: (event) => events.push(event) });
    await link.open();
    expect(link.state()).toMatchObject({ up: false, reason: 'nobody listens yet' });
    const opened = await link.subscribe({ destination: SESSION_OPENED, onMessage: () => undefined });
    expect(link.state().up).toBe(true);
    await opened.unsubscribe();
    expect(link.state().up).toBe(false);
    expect(events.map(({ kind }) => kind)).toEqual(['connected', 'disconnected']);
    await link.close();
    client.socket.send('still there');
    await vi.waitFor(() => expect(stage.at(SESSION_SAID)).toHaveLength(1));
  });

  it('tries an address that is taken again and again, or says so at once', async () => {
    const stage = await staged();
    const port = Number(new URL(stage.url).port);
    const taken = { ...SETTINGS, port };
    const quick = new WebSocketLink(taken, { onEvent: () => undefined, failFast: true });
    await expect(
      quick.subscribe({ destination: SESSION_OPENED, onMessage: () => undefined }),
    ).rejects.toThrow(`ws://127.0.0.1:${port}: another program listens there`);
    const events: LinkEvent[] = [];
    const patient = new WebSocketLink(taken, { onEvent: (event) => events.push(event) });
    await patient.subscribe({ destination: SESSION_OPENED, onMessage: () => undefined });
    expect(patient.state()).toMatchObject({ up: false, reason: expect.stringContaining('another program') });
    await stage.link.close();
    await vi.waitFor(() => expect(patient.state().up).toBe(true));
    expect(events.at(0)).toMatchObject({ kind: 'retry' });
    await patient.close();
  });
});
