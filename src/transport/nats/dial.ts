import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { LinkError } from '../link.ts';
import { NatsConnection } from './connection.ts';
import { noTls, toServerError } from './errors.ts';
import { parseInfo, type ServerInfo } from './info.ts';
import type { NatsLinkSettings } from './options.ts';
import type { NatsServerAddress } from './server.ts';

/** The first line is an INFO of a few hundred bytes, with the addresses of a cluster of a few thousand. */
const MAX_INFO = 256 * 1024;

const coded = (message: string, code: string): Error => Object.assign(new Error(message), { code });

/** Makes the attempt fail, whatever it waits for at the moment. */
type Fail = (error: unknown) => void;

/** Not by one regular expression: whoever answers in a server's place, before TLS, sends what makes it take minutes. */
const firstWord = (line: string): { readonly word: string; readonly rest: string } => {
  const text = line.trim();
  const space = text.search(/\s/);
  return space === -1
    ? { word: text, rest: '' }
    : { word: text.slice(0, space), rest: text.slice(space).trimStart() };
};

/** The server speaks first, in the clear. */
const introduction = (socket: Socket, server: NatsServerAddress): Promise<ServerInfo> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let held = 0;
    const onClose = (): void => reject(new Error('it closed the connection at once'));
    const onData = (chunk: Buffer): void => {
      parts.push(chunk);
      held += chunk.length;
      const hasEnded = chunk.includes('\n');
      if (!hasEnded && held < MAX_INFO) return;
      socket.off('data', onData).off('close', onClose);
      const [line = '', ...more] = Buffer.concat(parts).toString('utf8').split('\n', 2);
      const { word, rest } = firstWord(hasEnded ? line : '');
      if (word === '-ERR') reject(toServerError(rest.replace(/^'(.*)'$/, '$1'), server.url));
      else if (word !== 'INFO' || more.some((text) => text !== ''))
        reject(new LinkError('protocol', `NATS server ${server.url}: what answers is no NATS server`));
      else
        try {
          resolve(parseInfo(rest));
        } catch (error) {
          reject(error);
        }
    };
    socket.on('data', onData).once('close', onClose);
  });

const tlsOptions = (
  socket: Socket,
  server: NatsServerAddress,
  { tls }: NatsLinkSettings,
): ConnectionOptions => ({
  socket,
  // Without it Node checks the certificate of a server given by its address against "localhost".
  host: server.hostname,
  ...(isIP(server.hostname) === 0 ? { servername: server.hostname } : {}),
  rejectUnauthorized: tls?.verify ?? true,
  ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
  ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
  ...(tls?.key === undefined ? {} : { key: tls.key }),
});

const secured = (
  socket: Socket,
  server: NatsServerAddress,
  settings: NatsLinkSettings,
  fail: Fail,
): Promise<Socket> =>
  new Promise((resolve) => {
    const secure = connectTls(tlsOptions(socket, server, settings), () => resolve(secure));
    secure.on('error', fail);
  });

/** What the client says of itself; names as in docs.nats.io, "CONNECT". */
const hello = (server: NatsServerAddress, settings: NatsLinkSettings, { headers }: ServerInfo): string =>
  `CONNECT ${JSON.stringify({
    verbose: false,
    pedantic: false,
    lang: 'node',
    version: process.version,
    protocol: 1,
    echo: true,
    headers,
    no_responders: headers,
    name: settings.name,
    user: settings.user ?? server.user,
    pass: settings.password ?? server.password,
    auth_token: settings.token,
  })}`;

const shakeHands = async (
  socket: Socket,
  server: NatsServerAddress,
  settings: NatsLinkSettings,
  fail: Fail,
): Promise<NatsConnection> => {
  const info = await introduction(socket, server);
  const wantsTls = settings.tls !== undefined || server.tlsRequired;
  const hasTls = info.tlsRequired || info.tlsAvailable;
  if (wantsTls && !hasTls) throw noTls(server.url);
  const connection = new NatsConnection(
    hasTls ? await secured(socket, server, settings, fail) : socket,
    info,
    { onMessage: () => undefined, onError: (text) => fail(toServerError(text, server.url)) },
  );
  // A server that does not like a certificate may just close the connection, after its side of the handshake.
  void connection.closed.then((error) => fail(error ?? coded('it closed the connection', 'ECONNRESET')));
  connection.tell(hello(server, settings, info));
  await connection.flush();
  return connection;
};

/**
 * One attempt at one server, abandoned with its socket when `signal` aborts or the time is over.
 * @throws LinkError, or what Node gave as the reason
 */
export const dial = async (
  server: NatsServerAddress,
  settings: NatsLinkSettings,
  signal: AbortSignal,
): Promise<NatsConnection> => {
  let fail: Fail = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const abort = (): void => fail(new LinkError('closed', 'the link is closed'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  const timer = setTimeout(() => fail(coded('no answer in time', 'ETIMEDOUT')), settings.connectTimeout);
  const socket = connectSocket({ host: server.hostname, port: server.port, noDelay: true });
  socket.on('error', fail);
  try {
    return await Promise.race([shakeHands(socket, server, settings, fail), failed]);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
};
