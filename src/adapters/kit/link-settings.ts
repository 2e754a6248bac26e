import { type ReadFile, trimKey } from '../../config/files.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { RevocationConfig } from '../../config/revocation.ts';
import type { Secret } from '../../config/secret.ts';
import type { BufferConfig, TlsConfig, TlsFloor } from '../../config/shared.ts';
import type { LinkPlace } from '../../transport/spec.ts';
import type { TlsSettings } from '../../transport/tls/settings.ts';
import { PeerLists } from './peer-lists.ts';

/** Where a side stands in the file. */
export const sectionOf = ({ name, side }: LinkPlace): KeyPath => [
  side === 'ingress' ? 'ingresses' : 'egresses',
  name,
];

/** The oldest and weakest TLS that a broker may use. */
export const floor = ({
  minVersion,
  ciphers,
}: TlsFloor): Partial<Pick<TlsSettings, 'minVersion' | 'ciphers'>> => ({
  ...(minVersion === undefined ? {} : { minVersion }),
  ...(ciphers === undefined ? {} : { ciphers }),
});

/** What waits while a link is down. */
export const limits = ({ messages, bytes }: BufferConfig) => ({ maxMessages: messages, maxBytes: bytes });

/**
 * A password or token: as it is given, or from the file with it, without the line end.
 * @param path of the key that names the file
 * @throws as `read` does
 */
export const secretText = (
  given: Secret | undefined,
  file: string | undefined,
  path: KeyPath,
  read: ReadFile,
): string | undefined => (file === undefined ? given?.reveal() : trimKey(read(file, path)).toString());

/** A client certificate and its key as PEM text, where there are any. */
export const clientPem = (
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

/**
 * What tells whether brokers' certificates are revoked, where a section names any lists.
 * @throws as `read` does, for files that are not there now
 */
export const peerLists = (
  lists: RevocationConfig | undefined,
  path: KeyPath,
  read: ReadFile,
): Pick<TlsSettings, 'revocation'> => {
  if (lists === undefined) return {};
  for (const [index, file] of lists.files.entries()) read(file, [...path, 'crl', index]);
  return { revocation: new PeerLists(lists) };
};

/**
 * What a link is connected with, by the files that a section `tls` names.
 * @param path where the section stands
 * @throws as `read` does
 */
export const tlsSettings = (tls: TlsConfig, path: KeyPath, read: ReadFile): TlsSettings => ({
  ...(tls.ca === undefined ? {} : { ca: read(tls.ca, [...path, 'ca']).toString() }),
  ...peerLists(tls.revocation, path, read),
  ...clientPem(tls.client, path, read),
  ...floor(tls),
  verify: tls.verify,
});
