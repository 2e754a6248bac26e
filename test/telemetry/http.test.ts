import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpServer, json, type Page, startHttp, text } from '../../src/telemetry/http.ts';

const errors: unknown[] = [];
const servers: HttpServer[] = [];

const pages = new Map<string, () => Page | Promise<Page>>([
  ['/ok', () => text(200, 'fine')],
  ['/json', () => json(503, { ready: false })],
  [
    '/bug',
    () => {
      throw new Error('a bug');
    },
  ],
]);

const serve = async (): Promise<HttpServer> => {
  const server = await startHttp({
    host: '127.0.0.1',
    port: 0,
    pages,
    onError: (error) => errors.push(error),
  });
  servers.push(server);
  return server;
};

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  errors.length = 0;
  pages.delete('/slow');
});

/** What a server says to raw bytes until it closes the connection. */
const raw = (url: string, bytes: string): Promise<string> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let said = '';
    socket.on('data', (chunk) => {
      said += chunk.toString();
    });
    // Also where it is reset.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(said));
  });

describe('the server', () => {
  it('answers GET, whatever the query, with a body of the announced length', async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/ok?a=b`);
    expect([response.status, await response.text()]).toEqual([200, 'fine\n']);
    expect(response.headers.get('content-length')).toBe('5');
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it.each(['127.0.0.1:8222', '[::1]:8222', 'bridge1.example.net', 'xn--brcke-kva.example:80', ''])(
    'answers whatever name it is asked by: %j',
    async (host) => {
      const { url } = await serve();
      const said = await raw(url, `GET /ok HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect(said).toMatch(/^HTTP\/1.1 200 /);
    },
  );

  it('answers HEAD with the same headers and nothing else', async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/ok`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-length')]).toEqual([200, '5']);
    expect(await response.text()).toBe('');
  });

  it('answers in JSON where a page does, with its status', async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/json`);
    expect([response.status, await response.json()]).toEqual([503, { ready: false }]);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  it('names its pages to who asks for another', async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/OK`);
    expect([response.status, await response.text()]).toEqual([404, 'There are /ok, /json, /bug.\n']);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('does not take %s', async (method) => {
    const { url } = await serve();
    const response = await fetch(`${url}/ok`, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('does not wait for the body of what it does not take', async () => {
    const { url } = await serve();
    const said = await raw(url, 'POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n');
    expect(said).toMatch(/^HTTP\/1.1 405 /);
  });

  it('answers 500 where a page fails, tells of it, and goes on', async () => {
    const { url } = await serve();
    expect((await fetch(`${url}/bug`)).status).toBe(500);
    expect(errors).toEqual([new Error('a bug')]);
    expect((await fetch(`${url}/ok`)).status).toBe(200);
  });

  it.each([
    ['what is not HTTP', 'hello\r\n\r\n'],
    ['headers without end', `GET /ok HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['a request that smuggles', 'GET /ok HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ])('refuses %s and closes the connection', async (_, bytes) => {
    const { url } = await serve();
    expect(await raw(url, bytes)).toMatch(/^HTTP\/1.1 4\d\d /);
    expect((await fetch(`${url}/ok`)).status).toBe(200);
  });

  it('makes no page for a request that did not wait for the answer to the one before', async () => {
    let made = 0;
    pages.set('/slow', () => {
      made++;
      return text(200, 'fine');
    });
    const { url } = await serve();
    const said = await raw(url, 'GET /slow HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5_000));
    expect(made).toBe(1);
    expect(said.length).toBeLessThan(500);
    expect(errors).toEqual([]);
    expect((await fetch(`${url}/ok`)).status).toBe(200);
  });

  it('answers one request after another on a connection', async () => {
    const { url } = await serve();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    for (let time = 0; time < 20; time++) {
      socket.write('GET /ok HTTP/1.1\r\nHost: x\r\n\r\n');
      let said = '';
      while (!said.endsWith('fine\n')) said += String((await once(socket, 'data'))[0]);
      expect(said).toMatch(/^HTTP\/1\.1 200 /);
    }
    socket.destroy();
  });

  it.each([
    ['another method', 'FOO /ok HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1.1 400 /],
    ['CONNECT', 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n', /^$/],
    ['a long line', `GET /${'a'.repeat(1 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1.1 400 /],
    [
      'an absolute URL',
      'GET http://x/ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      /^HTTP\/1.1 404 /,
    ],
    ['no Host', 'GET /ok HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
    ['a Host that is none', 'GET /ok HTTP/1.1\r\nHost: a b\r\n\r\n', /^HTTP\/1.1 400 /],
    ['a Host with a path', 'GET /ok HTTP/1.1\r\nHost: a/b\r\n\r\n', /^HTTP\/1.1 400 /],
    ['two Hosts', 'GET /ok HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', /^HTTP\/1.1 400 /],
    ['an unknown Expect', 'GET /ok HTTP/1.1\r\nHost: x\r\nExpect: much\r\n\r\n', /^HTTP\/1.1 417 /],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP\/1.1 400 /],
    [
      'an upgrade',
      'GET /ok HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n',
      /^HTTP\/1.1 200 (?:.|\r\n)*fine\n$/,
    ],
  ])('is not put out by %s', async (_, bytes, answer) => {
    const { url } = await serve();
    expect(await raw(url, bytes)).toMatch(answer);
    expect((await fetch(`${url}/ok`)).status).toBe(200);
    expect(errors).toEqual([]);
  });

  it('ends a client that sends a header, or a body, byte by byte', async () => {
    const { url } = await serve();
    const { hostname, port } = new URL(url);
    const drip = async (begin: string): Promise<void> => {
      const socket = connect(Number(port), hostname).on('error', () => undefined);
      const gone = new Promise((resolve) => socket.once('close', resolve));
      socket.resume().write(begin);
      const timer = setInterval(() => socket.write('1'), 100);
      await gone;
      clearInterval(timer);
    };
    await Promise.all([
      drip('GET /ok HTTP/1.1\r\nHost: x\r\nX: '),
      drip('GET /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n'),
    ]);
    expect(errors).toEqual([]);
  });

  it('gives up on a client that does not get to its point', async () => {
    const { url } = await serve();
    expect(await raw(url, 'GET /ok HTTP/1.1\r\nHost: ')).toMatch(/^HTTP\/1.1 4\d\d /);
  });

  it('says which address is taken', async () => {
    const { url } = await serve();
    const port = Number(new URL(url).port);
    const second = startHttp({ host: '127.0.0.1', port, pages: new Map(), onError: () => undefined });
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('closes while clients hold connections', async () => {
    const { url, close } = await serve();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await new Promise((resolve) => socket.once('connect', resolve));
    const gone = new Promise((resolve) => socket.once('close', resolve));
    await close();
    await gone;
    await expect(fetch(`${url}/ok`)).rejects.toThrow();
  });
});

describe('a client that says nothing, or little', () => {
  const sockets: Socket[] = [];

  /** Connections that have sent this and wait. */
  const hold = async (url: string, count: number, bytes: string): Promise<void> => {
    const { hostname, port } = new URL(url);
    const opened = Array.from({ length: count }, async () => {
      const socket = connect(Number(port), hostname);
      sockets.push(socket.on('error', () => undefined));
      await once(socket, 'connect');
      if (bytes !== '') socket.write(bytes);
    });
    await Promise.all(opened);
  };

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  it.each([
    ['nothing', ''],
    ['half a line', 'GET /o'],
    ['half a request', 'GET /ok HTTP/1.1\r\nHost: a\r\n'],
    ['a request without its body', 'POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n'],
    ['a request, and reads no answer', 'GET /ok HTTP/1.1\r\nHost: a\r\n\r\n'],
  ])('does not shut others out: %s on 300 connections', async (_, bytes) => {
    const { url } = await serve();
    await hold(url, 300, bytes);
    for (let time = 0; time < 3; time++) {
      const response = await fetch(`${url}/ok`, { headers: { connection: 'close' } });
      expect([response.status, await response.text()]).toEqual([200, 'fine\n']);
    }
    expect(errors).toEqual([]);
  });

  it('has 64 connections at most: others make room', async () => {
    pages.set('/slow', () => new Promise<Page>(() => undefined));
    const { url } = await serve();
    await hold(url, 300, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    const closed = (): number => sockets.filter((socket) => socket.closed).length;
    while (closed() < 300 - 64) await new Promise((resolve) => setImmediate(resolve));
    expect((await fetch(`${url}/ok`)).status).toBe(200);
    expect(closed()).toBeLessThanOrEqual(300 - 64 + 1);
  });

  it('does not shut out one that waits for its answer', async () => {
    let answer: (page: Page) => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      pages.set('/slow', () => {
        resolve();
        return new Promise<Page>((done) => {
          answer = done;
        });
      });
    });
    const { url } = await serve();
    const response = fetch(`${url}/slow`);
    await asked;
    await hold(url, 300, '');
    expect((await fetch(`${url}/ok`)).status).toBe(200);
    answer(text(200, 'late'));
    expect(await (await response).text()).toBe('late\n');
  });
});
