import type { Server } from '@nats-io/transport-node';
import { LinkError } from '../link.ts';

/** Of each scheme, the port where the URL has none. */
const PORTS: ReadonlyMap<string, number> = new Map([
  ['nats', 4222],
  ['tls', 4222],
  ['wss', 443],
]);

/** One entry of the server list, taken apart. */
export interface NatsServerAddress {
  readonly hostname: string;
  readonly port: number;
  /** `host:port`, as the client is given it. */
  readonly listen: string;
  /** Without credentials: for logs, events and the trail of hops. */
  readonly url: string;
  /** Written `tls://` or `wss://`: a server that offers no TLS is refused. */
  readonly tlsRequired: boolean;
  /** Written `wss://`: TLS, a WebSocket in it, and NATS in that. */
  readonly isWebSocket: boolean;
  readonly user?: string;
  readonly password?: string;
}

/** @throws LinkError `protocol` for anything but a `nats://`, `tls://` or `wss://` URL with a host */
const parseServer = (text: string): NatsServerAddress => {
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `nats://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  // The text may hold a password, so the message does not quote it.
  if (url === undefined || url.hostname === '')
    throw new LinkError(
      'protocol',
      'a NATS server is written nats://host:port, tls://host:port or wss://host:port',
    );
  const scheme = url.protocol.slice(0, -1);
  const standard = PORTS.get(scheme);
  if (standard === undefined)
    throw new LinkError('protocol', `a NATS server is written nats://, tls:// or wss://, not ${scheme}://`);
  const port = url.port === '' ? standard : Number(url.port);
  return {
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    listen: `${url.hostname}:${port}`,
    url: `${scheme}://${url.hostname}:${port}`,
    tlsRequired: scheme !== 'nats',
    isWebSocket: scheme === 'wss',
    ...(url.username === '' ? {} : { user: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
  };
};

/** @throws LinkError `protocol` for a list that cannot be read */
export const parsePool = (servers: readonly string[]): readonly NatsServerAddress[] => {
  if (servers.length === 0) throw new LinkError('protocol', 'the list of NATS servers is empty');
  const pool = servers.map(parseServer);
  // What servers tell of others does not say how those are spoken to.
  if (pool.some(({ isWebSocket }) => isWebSocket !== pool[0]?.isWebSocket))
    throw new LinkError('protocol', 'the NATS servers of one list are all wss://, or none of them');
  return pool;
};

/** One that another server told of: spoken to as those of the pool are. */
export const addressOf = (
  { hostname, port, listen }: Pick<Server, 'hostname' | 'port' | 'listen'>,
  pool: readonly NatsServerAddress[],
): NatsServerAddress => {
  const [first] = pool;
  const scheme = first?.url.split(':', 1)[0] ?? 'nats';
  return {
    hostname,
    port,
    listen,
    url: `${scheme}://${listen}`,
    tlsRequired: pool.some((server) => server.tlsRequired),
    isWebSocket: first?.isWebSocket === true,
    ...(first?.user === undefined ? {} : { user: first.user }),
    ...(first?.password === undefined ? {} : { password: first.password }),
  };
};
