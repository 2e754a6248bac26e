import type { Server } from '@nats-io/transport-node';
import { LinkError } from '../link.ts';

const DEFAULT_PORT = 4222;

/** One entry of the server list, taken apart. */
export interface NatsServerAddress {
  readonly hostname: string;
  readonly port: number;
  /** `host:port`, as the client is given it. */
  readonly listen: string;
  /** Without credentials: for logs, events and the trail of hops. */
  readonly url: string;
  /** Written `tls://`: a server that offers no TLS is refused. */
  readonly tlsRequired: boolean;
  readonly user?: string;
  readonly password?: string;
}

/** @throws LinkError `protocol` for anything but a `nats://` or `tls://` URL with a host */
const parseServer = (text: string): NatsServerAddress => {
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `nats://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  // The text may hold a password, so the message does not quote it.
  if (url === undefined || url.hostname === '')
    throw new LinkError('protocol', 'a NATS server is written nats://host:port or tls://host:port');
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== 'nats' && scheme !== 'tls')
    throw new LinkError('protocol', `a NATS server is written nats:// or tls://, not ${scheme}://`);
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  return {
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    listen: `${url.hostname}:${port}`,
    url: `${scheme}://${url.hostname}:${port}`,
    tlsRequired: scheme === 'tls',
    ...(url.username === '' ? {} : { user: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
  };
};

/** @throws LinkError `protocol` for a list that cannot be read */
export const parsePool = (servers: readonly string[]): readonly NatsServerAddress[] => {
  if (servers.length === 0) throw new LinkError('protocol', 'the list of NATS servers is empty');
  return servers.map(parseServer);
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
    ...(first?.user === undefined ? {} : { user: first.user }),
    ...(first?.password === undefined ? {} : { password: first.password }),
  };
};
