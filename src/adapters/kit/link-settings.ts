import type { BufferConfig } from '../../config/context.ts';
import type { ReadFile } from '../../config/files.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { TlsConfig, TlsFloor } from '../../config/shared.ts';
import type { LinkPlace } from '../../transport/spec.ts';
import type { TlsSettings } from '../../transport/tls/settings.ts';

/** Where a side stands in the file. */
export const sectionOf = ({ name, side }: LinkPlace): KeyPath => [
  side === 'ingress' ? 'ingresses' : 'egresses',
  name,
];

/** How old and weak a broker's TLS may be. */
export const floor = ({
  minVersion,
  ciphers,
}: TlsFloor): Partial<Pick<TlsSettings, 'minVersion' | 'ciphers'>> => ({
  ...(minVersion === undefined ? {} : { minVersion }),
  ...(ciphers === undefined ? {} : { ciphers }),
});

/** What waits while a link is down. */
export const limits = ({ messages, bytes }: BufferConfig) => ({ maxMessages: messages, maxBytes: bytes });

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
 * What a link is connected with, by the files that a section `tls` names.
 * @param path where the section stands
 * @throws as `read` does
 */
export const tlsSettings = (tls: TlsConfig, path: KeyPath, read: ReadFile): TlsSettings => ({
  ...(tls.ca === undefined ? {} : { ca: read(tls.ca, [...path, 'ca']).toString() }),
  ...clientPem(tls.client, path, read),
  ...floor(tls),
  verify: tls.verify,
});
