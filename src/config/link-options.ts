import type { NatsLinkOptions } from '../transport/nats/options.ts';
import type { StompLinkOptions, StompServer, StompTls } from '../transport/stomp/options.ts';
import type { TlsSettings } from '../transport/tls/settings.ts';
import type { ChoriaConnection } from './choria-connection.ts';
import type { BufferConfig } from './context.ts';
import type { ChoriaCollectiveConfig } from './egress/choria-collective.ts';
import type { McollectiveStompConfig } from './egress/mcollective-stomp.ts';
import { type ReadFile, readPlain } from './files.ts';
import type { ChoriaCollectiveIngressConfig } from './ingress/choria-collective.ts';
import type { ChoriaFederationConfig } from './ingress/choria-federation.ts';
import type { McollectiveStompIngressConfig } from './ingress/mcollective-stomp.ts';
import type { KeyPath } from './problem.ts';
import type { TlsFloor } from './shared.ts';
import type { Config, Named } from './types.ts';

const floor = ({ minVersion, ciphers }: TlsFloor): Partial<Pick<TlsSettings, 'minVersion' | 'ciphers'>> => ({
  ...(minVersion === undefined ? {} : { minVersion }),
  ...(ciphers === undefined ? {} : { ciphers }),
});

const limits = ({ messages, bytes }: BufferConfig) => ({ maxMessages: messages, maxBytes: bytes });

/** A client certificate and its key as PEM text, where there are any. */
const clientPem = (
  client: { readonly cert: string; readonly key: string } | undefined,
  path: KeyPath,
  read: ReadFile,
): { readonly cert?: string; readonly key?: string } =>
  client === undefined
    ? {}
    : {
        cert: read(client.cert, [...path, 'cert']).toString(),
        key: read(client.key, [...path, 'key']).toString(),
      };

/** How to connect to a side's NATS brokers, under the bridge's identity; reads the files that it names. */
export const natsLinkOptions = (
  side: Named<ChoriaFederationConfig | ChoriaCollectiveIngressConfig | ChoriaCollectiveConfig>,
  config: Pick<Config, 'identity'>,
  read: ReadFile = readPlain,
): Omit<NatsLinkOptions, 'onEvent'> =>
  // Only an ingress has callers.
  natsOptions(side, ['callers' in side ? 'ingresses' : 'egresses', side.name], config, read);

/** @param place the section that the connection is in */
export const natsOptions = (
  { servers, tls, user, password, token, nkey, credentials, buffer }: ChoriaConnection,
  place: KeyPath,
  { identity }: Pick<Config, 'identity'>,
  read: ReadFile = readPlain,
): Omit<NatsLinkOptions, 'onEvent'> => {
  const path = [...place, 'tls'];
  return {
    // Choria writes nats:// and means TLS. Asked for as tls://, a server (or someone in between) that offers none is refused.
    servers: servers.map(({ url }) => (tls === undefined ? url : url.replace(/^nats:/, 'tls:'))),
    name: identity,
    buffer: limits(buffer),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ca: read(tls.ca, [...path, 'ca']).toString(),
            ...clientPem(tls.client, path, read),
            ...floor(tls),
            ...(tls.handshakeFirst ? { handshakeFirst: true } : {}),
            verify: true,
          },
        }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password: password.reveal() }),
    ...(token === undefined ? {} : { token: token.reveal() }),
    ...(nkey === undefined ? {} : { nkeySeed: read(nkey, [...place, 'nkey']).toString() }),
    ...(credentials === undefined
      ? {}
      : { credentials: read(credentials, [...place, 'credentials']).toString() }),
  };
};

/** How to connect to a side's STOMP brokers; reads the files that it names. */
export const stompLinkOptions = (
  side: Named<McollectiveStompConfig | McollectiveStompIngressConfig>,
  { maxMessageBytes }: Pick<Config, 'maxMessageBytes'>,
  read: ReadFile = readPlain,
): Omit<StompLinkOptions, 'onEvent' | 'clock'> => {
  const { servers, user, password, vhost, versions, heartbeat, prefetch, buffer, name } = side;
  const path = ['signing' in side ? 'egresses' : 'ingresses', name, 'tls'];
  const tls: StompTls | undefined = servers.some((server) => server.tls)
    ? {
        ...(side.tls.ca === undefined ? {} : { ca: read(side.tls.ca, [...path, 'ca']).toString() }),
        ...clientPem(side.tls.client, path, read),
        ...floor(side.tls),
        verify: side.tls.verify,
      }
    : undefined;
  return {
    servers: servers.map((server): StompServer => {
      const { host, port } = server;
      return server.tls && tls !== undefined ? { host, port, tls } : { host, port };
    }),
    vhost,
    versions,
    heartbeat: { outgoing: heartbeat * 1000, incoming: heartbeat * 1000 },
    prefetch,
    buffer: limits(buffer),
    // Room for headers and base64; and what is just too long must arrive for the adapter to refuse it by name.
    maxFrameBytes: Math.max(16 * 1024 ** 2, maxMessageBytes * 2),
    ...(user === undefined ? {} : { login: user }),
    ...(password === undefined ? {} : { passcode: password.reveal() }),
  };
};
