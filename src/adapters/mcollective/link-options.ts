import { type ReadFile, readPlain } from '../../config/files.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { LinkPlace } from '../../transport/spec.ts';
import type { StompServer, StompTls } from '../../transport/stomp/options.ts';
import { type StompSettings, stompSpec } from '../../transport/stomp/spec.ts';
import type { Adapter } from '../descriptor.ts';
import { limits, secretText, sectionOf, tlsSettings } from '../kit/link-settings.ts';
import type { StompConnection } from './connection-config.ts';

/**
 * How to connect to a side's STOMP brokers; reads the files that it names.
 * @param place the section that the connection is in
 */
export const stompOptions = (
  side: StompConnection,
  place: KeyPath,
  { maxMessageBytes }: { readonly maxMessageBytes: number },
  read: ReadFile = readPlain,
): StompSettings => {
  const { servers, user, vhost, versions, heartbeat, prefetch, buffer } = side;
  const password = secretText(side.password, side.passwordFile, [...place, 'password_file'], read);
  const tls: StompTls | undefined = servers.some((server) => server.tls)
    ? tlsSettings(side.tls, [...place, 'tls'], read)
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
    ...(password === undefined ? {} : { passcode: password }),
  };
};

/** The link of a side. */
export const stompLink =
  (it: StompConnection, place: LinkPlace): Adapter['link'] =>
  (around, read) =>
    stompSpec(
      place,
      stompOptions(it, sectionOf(place), around, read),
      it.servers.map(({ url }) => url),
    );
