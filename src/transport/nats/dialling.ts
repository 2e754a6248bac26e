import { createConnection, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { ServerInfo } from '@nats-io/transport-node';
import { LinkFailure } from '../failure/failure.ts';
import { identityCheck } from '../tls/peer.ts';
import { secureContext } from '../tls/settings.ts';
import { NATS_WORDS } from './errors.ts';
import { type Greeting, readGreeting, strangerAt } from './greeting.ts';
import type { NatsTls } from './options.ts';
import type { NatsServerAddress } from './server.ts';

/** @param onSocket gets the socket before it is connected, for who has to end it */
export const dialPlain = (
  hostname: string,
  port: number,
  onSocket: (socket: Socket) => void,
): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createConnection({ host: hostname, port, noDelay: true });
    onSocket(socket);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });

/** Fails without a reason where the other side closes. */
export const secured = (plain: Socket, options: ConnectionOptions): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const socket = connectTls({ ...options, socket: plain }, () => resolve(socket));
    socket.on('error', reject);
    socket.once('close', () => reject(undefined));
  });

/**
 * What the server says first.
 * @param yields gets all that it says, for the client
 * @param onGreeting told as soon as it is known; what it throws ends the wait
 */
export const hearGreeting = (
  socket: Socket,
  yields: Uint8Array[],
  url: string,
  onGreeting: (info: ServerInfo) => void,
): Promise<ServerInfo> =>
  new Promise((resolve, reject) => {
    const heard = (): Buffer => Buffer.concat(yields);
    const settle = (act: () => void): void => {
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      act();
    };
    let info: ServerInfo | undefined;
    const isStranger = (): boolean => yields.length > 0 && info === undefined;
    socket.on('error', (error) => settle(() => reject(error)));
    socket.on('close', () => settle(() => reject(isStranger() ? strangerAt(heard(), url) : undefined)));
    socket.on('data', (chunk: Buffer) => {
      yields.push(chunk);
      try {
        const isFirst = info === undefined;
        info = readGreeting(heard(), url);
        if (info === undefined || !isFirst) return;
        onGreeting(info);
        const greeted = info;
        // A server with too many clients says so right behind it and closes: writing to it would lose what it says.
        setImmediate(() => setImmediate(() => settle(() => resolve(greeted))));
      } catch (error) {
        settle(() => reject(error));
      }
    });
  });

/** @throws LinkFailure where TLS is wanted, and the server that greets offers none */
export const requireTls = (
  info: Greeting,
  { url, tlsRequired, isWebSocket }: NatsServerAddress,
  tls: NatsTls | undefined,
): void => {
  const wantsTls = tls !== undefined || tlsRequired;
  const hasTls = tls?.handshakeFirst === true || isWebSocket;
  if (wantsTls && !hasTls && !info.tls_required && !info.tls_available)
    throw new LinkFailure(NATS_WORDS, url, 'no-tls');
};

/**
 * What Node needs for a connection by TLS.
 * @param name what the server's certificate has to be for
 * @throws LinkFailure for certificates, keys or ciphers that cannot be used
 */
export const tlsOptions = (name: string, url: string, tls: NatsTls = { verify: true }) => ({
  // Without it Node checks the certificate of a server given by its address against "localhost".
  host: name,
  servername: isIP(name) === 0 ? name : '',
  rejectUnauthorized: tls.verify,
  checkServerIdentity: identityCheck(tls, NATS_WORDS, url),
  secureContext: secureContext(tls, NATS_WORDS, url),
});
