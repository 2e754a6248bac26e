import { z } from 'zod';
import { isCipherList, TLS_VERSIONS, type TlsVersion } from '../transport/tls/settings.ts';
import type { BufferConfig } from './context.ts';
import { ALWAYS, bool, bytes, choice, field, integer, type path, refuse, text } from './fields.ts';

const MiB = 1024 ** 2;
const DEFAULT_BUFFER: BufferConfig = { messages: 10_000, bytes: 64 * MiB };

/** The buffer of a link, the same in every ingress and egress. */
export const buffer = () =>
  z
    .strictObject({
      messages: integer(1, 1_000_000).default(DEFAULT_BUFFER.messages),
      bytes: bytes(64 * 1024, 4096 * MiB).default(DEFAULT_BUFFER.bytes),
    })
    .default(DEFAULT_BUFFER);

/** How old and weak a broker's TLS may be; Node's defaults where undefined. */
export interface TlsFloor {
  readonly minVersion: TlsVersion | undefined;
  /** OpenSSL's list. */
  readonly ciphers: string | undefined;
}

/** The keys of every `tls` that say so. */
export const floorFields = () => ({
  min_version: choice(TLS_VERSIONS).optional(),
  ciphers: text(
    'a list of ciphers as openssl ciphers takes it, for instance DEFAULT@SECLEVEL=0',
    isCipherList,
  ).optional(),
});

export const floorOf = (
  tls: { readonly min_version?: TlsVersion | undefined; readonly ciphers?: string | undefined } | undefined,
): TlsFloor => ({ minVersion: tls?.min_version, ciphers: tls?.ciphers });

/** Paths of PEM files. */
export interface TlsConfig extends TlsFloor {
  /** Undefined: the CAs that Node comes with. */
  readonly ca: string | undefined;
  readonly client: { readonly cert: string; readonly key: string } | undefined;
  /** Whether the server's certificate is verified. */
  readonly verify: boolean;
}

/** What goes for a side without a section `tls`. */
export const DEFAULT_TLS: TlsConfig = {
  ...floorOf(undefined),
  ca: undefined,
  client: undefined,
  verify: true,
};

/**
 * A section `tls` of whoever may do without a CA and a certificate of its own.
 * @param file makes the leaf of a file's name: `() => path(context.resolve)`
 */
export const tls = (file: () => ReturnType<typeof path>) =>
  z
    .strictObject({
      ca: file().optional(),
      cert: file().optional(),
      key: file().optional(),
      verify: bool().default(true),
      ...floorFields(),
    })
    .superRefine((it, context) => {
      if ((it.cert === undefined) !== (it.key === undefined))
        refuse(context, [], 'cert and key belong together: give both');
    }, ALWAYS)
    .transform(({ cert, key, ...it }): TlsConfig => {
      const client = cert === undefined || key === undefined ? undefined : { cert, key };
      return { ...floorOf(it), ca: it.ca, client, verify: it.verify };
    });

/**
 * An absolute URL, as text. It is shown in logs, to clients and by /health, so it may hold nothing that is often a secret.
 * @param schemes those that it may have: `['https', 'http']`
 */
export const url = (schemes: readonly string[]) =>
  field(
    `a URL with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}, without user, password, ?… and #…`,
    (value) => {
      if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
      const { protocol, username, password, href, hostname } = new URL(value);
      const isPlain = username === '' && password === '' && !/[?#]/.test(value) && hostname !== '';
      return isPlain && schemes.includes(protocol.slice(0, -1)) ? href : undefined;
    },
  );

interface Credentials {
  readonly user?: unknown;
  readonly password?: unknown;
}

export const userAndPassword = <T extends Credentials>(it: T, context: z.core.$RefinementCtx<T>): void => {
  if ((it.user === undefined) === (it.password === undefined)) return;
  refuse(
    context,
    [it.user === undefined ? 'password' : 'user'],
    'user and password belong together: give both',
  );
};

/** Where a broker listens. IPv6 addresses stand in brackets in the URL and without them here. */
export interface Server {
  readonly host: string;
  readonly port: number;
  /** Whether the URL asks for TLS. */
  readonly tls: boolean;
  /** As a URL, with the port. */
  readonly url: string;
}

export interface Scheme {
  readonly port: number;
  readonly tls: boolean;
}

// Name, address, or [IPv6]; no credentials, path or query: those have keys of their own, or no meaning.
const SERVER = /^(?:([a-z+]+):\/\/)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?\/?$/;

/** Parses `scheme://host:port`; the first of `schemes` is meant where the text names none. */
export const parseServer = (text: unknown, schemes: ReadonlyMap<string, Scheme>): Server | undefined => {
  const match = typeof text === 'string' ? SERVER.exec(text) : null;
  const name = match?.[1] ?? [...schemes.keys()][0] ?? '';
  const scheme = schemes.get(name);
  const address = match?.[2];
  if (scheme === undefined || address === undefined) return undefined;
  const port = match?.[3] === undefined ? scheme.port : Number(match[3]);
  if (port < 1 || port > 65_535) return undefined;
  const host = address.replace(/^\[|\]$/g, '');
  return { host, port, tls: scheme.tls, url: `${name}://${address}:${port}` };
};
