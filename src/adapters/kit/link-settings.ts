import type { BufferConfig } from '../../config/context.ts';
import type { ReadFile } from '../../config/files.ts';
import type { KeyPath } from '../../config/problem.ts';
import type { TlsFloor } from '../../config/shared.ts';
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
