import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Circumstances, failureOf, type Stage } from '../failure/classify.ts';
import { LinkFailure } from '../failure/failure.ts';
import { speakerOf } from '../failure/greeting.ts';
import { LinkError } from '../link.ts';
import { secureContext } from '../tls/settings.ts';
import { NatsConnection } from './connection.ts';
import { NATS_WORDS, toServerError } from './errors.ts';
import { parseInfo, type ServerInfo } from './info.ts';
import type { NatsLinkSettings } from './options.ts';
import type { NatsServerAddress } from './server.ts';

/** The first line is an INFO of a few hundred bytes, with the addresses of a cluster of a few thousand. */
const MAX_INFO = 256 * 1024;

/** How far an attempt is, and what the server has said of itself. */
interface Progress {
  stage: Stage;
  info?: ServerInfo;
  /** Of the TLS handshake. */
  answered: () => boolean;
}

/** Makes the attempt fail, whatever it waits for at the moment; undefined: the other side has just closed it. */
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
const introduction = (socket: Socket, { url }: NatsServerAddress): Promise<ServerInfo> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let held = 0;
    const stranger = (): LinkError =>
      new LinkFailure(NATS_WORDS, url, 'another-protocol', speakerOf(Buffer.concat(parts)));
    const onClose = (): void => reject(held > 0 ? stranger() : undefined);
    const onData = (chunk: Buffer): void => {
      parts.push(chunk);
      held += chunk.length;
      const hasEnded = chunk.includes('\n');
      if (!hasEnded && held < MAX_INFO) return;
      socket.off('data', onData).off('close', onClose);
      const [line = '', ...more] = Buffer.concat(parts).toString('utf8').split('\n', 2);
      const { word, rest } = firstWord(hasEnded ? line : '');
      // A server that lets nobody in may say so together with its INFO.
      const refusal = [line, ...more].map(firstWord).find((said) => said.word === '-ERR');
      if (refusal !== undefined) reject(toServerError(refusal.rest.replace(/^'(.*)'$/, '$1'), url));
      else if (word !== 'INFO' || more.some((text) => text !== '')) reject(stranger());
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
  { tls = { verify: true } }: NatsLinkSettings,
): ConnectionOptions => ({
  socket,
  // Without it Node checks the certificate of a server given by its address against "localhost".
  host: server.hostname,
  ...(isIP(server.hostname) === 0 ? { servername: server.hostname } : {}),
  rejectUnauthorized: tls.verify,
  secureContext: secureContext(tls, NATS_WORDS, server.url),
});

const secured = (
  socket: Socket,
  server: NatsServerAddress,
  settings: NatsLinkSettings,
  { fail, progress }: { readonly fail: Fail; readonly progress: Progress },
): Promise<Socket> =>
  new Promise((resolve) => {
    progress.stage = 'securing';
    // Bytes of the handshake count here; the socket above it counts what they hold.
    const before = socket.bytesRead;
    progress.answered = () => socket.bytesRead > before;
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
  on: { readonly fail: Fail; readonly progress: Progress },
): Promise<NatsConnection> => {
  const { fail, progress } = on;
  const info = await introduction(socket, server);
  progress.info = info;
  const wantsTls = settings.tls !== undefined || server.tlsRequired;
  if (wantsTls && !info.tlsRequired && !info.tlsAvailable)
    throw new LinkFailure(NATS_WORDS, server.url, 'no-tls');
  const plainOrSecure = wantsTls || info.tlsRequired ? await secured(socket, server, settings, on) : socket;
  progress.stage = 'login';
  const hasCredentials =
    [settings.user, settings.token, server.user].some((one) => one !== undefined) ||
    settings.tls?.cert !== undefined;
  const connection = new NatsConnection(plainOrSecure, info, {
    onMessage: () => undefined,
    onError: (text) => fail(toServerError(text, server.url, hasCredentials)),
  });
  // A server that does not like a certificate may just close the connection, after its side of the handshake.
  void connection.closed.then(fail);
  connection.tell(hello(server, settings, info));
  await connection.flush();
  return connection;
};

const tooSlow = ({ stage }: Progress, { connectTimeout }: NatsLinkSettings, server: string): LinkError => {
  const kind = stage === 'connecting' ? 'connect-timeout' : stage === 'securing' ? 'tls-silent' : 'silent';
  return new LinkFailure(NATS_WORDS, server, kind, `${connectTimeout} ms`);
};

/**
 * One attempt at one server, abandoned with its socket when `signal` aborts or the time is over.
 * @throws LinkError
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
  const progress: Progress = { stage: 'connecting', answered: () => false };
  const abort = (): void => fail(new LinkError('closed', 'the link is closed'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  const timer = setTimeout(() => fail(tooSlow(progress, settings, server.url)), settings.connectTimeout);
  const socket = connectSocket({ host: server.hostname, port: server.port, noDelay: true });
  socket.on('error', fail);
  socket.once('connect', () => {
    progress.stage = 'greeting';
  });
  try {
    return await Promise.race([shakeHands(socket, server, settings, { fail, progress }), failed]);
  } catch (error) {
    const failure = failureOf(error, circumstances(server, settings, progress));
    socket.destroy();
    throw failure;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
};

const circumstances = (
  { url }: NatsServerAddress,
  { tls }: NatsLinkSettings,
  { stage, info, answered }: Progress,
): Circumstances => ({
  words: NATS_WORDS,
  server: url,
  stage,
  answered: answered(),
  tls,
  ...(info === undefined ? {} : { wantsCertificate: info.tlsVerify }),
});
