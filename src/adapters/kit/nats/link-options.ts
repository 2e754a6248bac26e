import { type ReadFile, readPlain } from '../../../config/files.ts';
import type { KeyPath } from '../../../config/problem.ts';
import { type NatsSettings, natsSpec } from '../../../transport/nats/spec.ts';
import type { LinkPlace } from '../../../transport/spec.ts';
import type { Adapter } from '../../descriptor.ts';
import { clientPem, floor, limits, peerLists, secretText, sectionOf } from '../link-settings.ts';
import type { NatsConnection } from './config.ts';

/**
 * How to connect to NATS servers, under the bridge's identity; reads the files that it names.
 * @param place the section that the connection is in
 */
export const natsOptions = (
  { servers, tls, user, nkey, credentials, buffer, ...it }: NatsConnection,
  place: KeyPath,
  { identity }: { readonly identity: string },
  read: ReadFile = readPlain,
): NatsSettings => {
  const path = [...place, 'tls'];
  const password = secretText(it.password, it.passwordFile, [...place, 'password_file'], read);
  const token = secretText(it.token, it.tokenFile, [...place, 'token_file'], read);
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
            ...peerLists(tls.revocation, path, read),
            ...clientPem(tls.client, path, read),
            ...floor(tls),
            ...(tls.handshakeFirst ? { handshakeFirst: true } : {}),
            verify: true,
          },
        }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(token === undefined ? {} : { token }),
    ...(nkey === undefined ? {} : { nkeySeed: read(nkey, [...place, 'nkey']).toString() }),
    ...(credentials === undefined
      ? {}
      : { credentials: read(credentials, [...place, 'credentials']).toString() }),
  };
};

/** The link of a side. */
export const natsLink =
  (it: NatsConnection, place: LinkPlace): Adapter['link'] =>
  (around, read) =>
    natsSpec(place, natsOptions(it, sectionOf(place), around, read));
