import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe as onDiagnostics } from 'node:diagnostics_channel';
import { isIP, Socket } from 'node:net';
import { type ConnectionOptions, connect, type NatsConnection } from 'nats';
import { LinkError } from '../link.ts';
import type { NatsLinkSettings } from './options.ts';
import type { NatsServerAddress } from './server.ts';

/**
 * The sockets that one attempt has opened. nats.js (2.29.3, `NodeTransport._closed`) forgets the socket of an
 * attempt that times out before the handshake is over and leaves it open; a server that accepts and then says
 * nothing would cost one descriptor an attempt. Node tells of every client socket on a diagnostics channel, and
 * the async context says whose it is.
 */
const attempts = new AsyncLocalStorage<Set<Socket>>();
let watching = false;

const watchSockets = (): void => {
  if (watching) return;
  watching = true;
  onDiagnostics('net.client.socket', (message) => {
    if (typeof message !== 'object' || message === null || !('socket' in message)) return;
    if (message.socket instanceof Socket) attempts.getStore()?.add(message.socket);
  });
};

const connectionOptions = (server: NatsServerAddress, settings: NatsLinkSettings): ConnectionOptions => {
  const { tls } = settings;
  const user = settings.user ?? server.user;
  const pass = settings.password ?? server.password;
  // nats.js hands these to tls.connect as they are. Without `host` Node checks the certificate of a server
  // given by its address against "localhost".
  const tlsOptions = {
    host: server.hostname,
    ...(isIP(server.hostname) === 0 ? { servername: server.hostname } : {}),
    rejectUnauthorized: tls?.verify ?? true,
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
  };
  return {
    servers: server.url.replace(/^[a-z]+:\/\//, ''),
    name: settings.name,
    timeout: settings.connectTimeout,
    // The link reconnects: nats.js' own way drops subscriptions when it gives up, and buffers without expiry.
    reconnect: false,
    ignoreClusterUpdates: true,
    // Node's own resolver, which reads /etc/hosts too; nats.js' asks the name servers alone.
    resolve: false,
    pingInterval: settings.pingInterval,
    maxPingOut: settings.maxPingOut,
    noAsyncTraces: true,
    ...(tls !== undefined || server.tlsRequired ? { tls: tlsOptions } : {}),
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass }),
    ...(settings.token === undefined ? {} : { token: settings.token }),
  };
};

/**
 * One attempt at one server, abandoned with all its sockets when `signal` aborts.
 * @throws what nats.js, Node or the abort gave as the reason
 */
export const dial = async (
  server: NatsServerAddress,
  settings: NatsLinkSettings,
  signal: AbortSignal,
): Promise<NatsConnection> => {
  watchSockets();
  const sockets = new Set<Socket>();
  const destroy = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new LinkError('closed', 'the link is closed'));
  });
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  const connecting = attempts.run(sockets, () => connect(connectionOptions(server, settings)));
  try {
    return await Promise.race([connecting, aborted]);
  } catch (error) {
    destroy();
    // Should the abandoned attempt come through after all.
    connecting.then((connection) => connection.close()).catch(() => undefined);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
};
