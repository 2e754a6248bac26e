import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { startTcpServer, type TcpServer } from '../../../src/testing/tcp-server.ts';
import { clientTls, closeLinks, linkErrorOf, linkTo } from './harness.ts';

// What no nats-server says, and what it says in moments that cannot be arranged.
const servers: TcpServer[] = [];

afterEach(async () => {
  await closeLinks();
  for (const server of servers.splice(0)) await server.close();
});

const speak = async (onConnection: (socket: Socket) => void): Promise<string> => {
  const server = await startTcpServer(onConnection);
  servers.push(server);
  return server.url;
};

const open = (url: string, options: Parameters<typeof linkTo>[1] = {}) =>
  linkErrorOf(() => linkTo([url], { failFast: true, ...options }).open());

describe('a server is refused', () => {
  test('that says more in the clear than that it wants TLS: somebody in between could have said it', async () => {
    const url = await speak((socket) =>
      socket.write('INFO {"version":"2.9.10","tls_required":true}\r\nMSG a 1 0\r\n\r\n'),
    );
    expect(await open(url, { tls: clientTls })).toMatchObject({ code: 'protocol' });
  });

  test.for([
    ['HTTP/1.1 400 Bad Request\r\n', /not a NATS server but an HTTP server/],
    ['INFO no json\r\n', /no JSON/],
    ['INFO null\r\n', /no object/],
    ['INFO {}\r\n', /without its version/],
    ['x'.repeat(300_000), /not a NATS server but something else/],
  ] as const)('that introduces itself with %.20s', async ([text, why]) => {
    const url = await speak((socket) => socket.write(text));
    expect(await open(url)).toMatchObject({ code: 'protocol', message: expect.stringMatching(why) });
  });

  // Read in time that grows with the square of its length, each takes minutes.
  test.for([
    ['INFO {}', ' ', 'x\r\n', /no JSON/],
    ['INFO', ' ', 'x\r\n', /no JSON/],
    ['', ' ', 'x\r\n', /not a NATS server/],
    ['', '\t', '\r\n', /not a NATS server/],
    ["-ERR '", "'", '\r\n', /it reports an error/],
  ] as const)('whose first line is %j, 250,000 times %j, and %j', { timeout: 30_000 }, async (line) => {
    const [begin, filling, end, why] = line;
    const url = await speak((socket) => socket.write(begin + filling.repeat(250_000) + end));
    expect((await open(url, { connectTimeout: 20_000 })).message).toMatch(why);
  });

  test('that has no room, with its own words', async () => {
    const url = await speak((socket) => socket.end("-ERR 'maximum connections exceeded'\r\n"));
    expect((await open(url)).message).toContain(
      'it takes no more connections (maximum connections exceeded)',
    );
  });

  test('that closes the connection before it says anything', async () => {
    const url = await speak((socket) => socket.end());
    expect(await open(url)).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('it ended the connection before it said anything'),
    });
  });

  test('that does not answer the first ping in time', async () => {
    const url = await speak((socket) => socket.write('INFO {"version":"2.9.10"}\r\n'));
    expect(await open(url, { connectTimeout: 100 })).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('says nothing within 100 ms'),
    });
  });
});

test('an introduction may come in pieces, and a server without headers gets none', async () => {
  const said: string[] = [];
  const url = await speak((socket) => {
    socket.write('INFO {"version":"2.9.10","max_pay');
    setImmediate(() => socket.write('load":1000,"headers":false}\r\n'));
    socket.on('data', (chunk) => {
      said.push(chunk.toString());
      if (chunk.includes('PING')) socket.write('PONG\r\n');
    });
  });
  const link = linkTo([url], { failFast: true, user: 'bridge', password: 's3cret' });
  await link.open();
  expect(said.join('')).toMatch(/^CONNECT \{.*\}\r\nPING\r\n$/);
  const hello: unknown = JSON.parse(/\{.*\}/.exec(said.join(''))?.[0] ?? '');
  expect(hello).toMatchObject({ user: 'bridge', pass: 's3cret' });
  expect(hello).not.toHaveProperty('headers');
  const message = { destination: 'a', body: Buffer.alloc(0), expires: Date.now() + 60_000 };
  expect((await linkErrorOf(() => link.send({ ...message, headers: { a: 'b' } }))).message).toContain(
    'headers',
  );
  expect((await linkErrorOf(() => link.send({ ...message, body: Buffer.alloc(1001) }))).code).toBe(
    'too_large',
  );
});
