import { z } from 'zod';
import { isCipherList, TLS_VERSIONS } from '../transport/tls/settings.ts';
import { type CamelKeys, camelKeys } from './camel-keys.ts';
import { ALWAYS, bool, bytes, choice, field, integer, type path, refuse, setting, text } from './fields.ts';
import { checkRevocationKeys, revocationFields, revocationOf } from './revocation.ts';

const MiB = 1024 ** 2;
const DEFAULT_BUFFER = { messages: 10_000, bytes: 64 * MiB };

/** The buffer of a link, the same in every ingress and egress. */
export const buffer = () =>
  setting(
    'what waits for the link',
    z
      .strictObject({
        messages: setting(
          'how many requests and replies wait while the link is down',
          integer(1, 1_000_000).default(DEFAULT_BUFFER.messages),
        ),
        bytes: setting('how much waits', bytes(64 * 1024, 4096 * MiB).default(DEFAULT_BUFFER.bytes)),
      })
      .default(DEFAULT_BUFFER),
  );

/** What waits while a link is down. */
export type BufferConfig = CamelKeys<z.output<ReturnType<typeof buffer>>>;

/** The keys of every `tls` that say how old and weak a broker's may be. */
export const floorFields = () => ({
  min_version: setting('the oldest TLS that is spoken', choice(TLS_VERSIONS).optional(), {
    default: 'TLSv1.2',
  }),
  ciphers: setting(
    "which ciphers, keys and signatures are good enough; where it is not given, Node.js's own",
    text(
      'a list of ciphers as openssl ciphers takes it, for instance DEFAULT@SECLEVEL=0',
      isCipherList,
    ).optional(),
  ),
});

type FloorFields = z.output<z.ZodObject<ReturnType<typeof floorFields>>>;

/** How old and weak a broker's TLS may be; Node's defaults where undefined. */
export type TlsFloor = CamelKeys<FloorFields>;

export const floorOf = (tls: FloorFields | undefined): TlsFloor =>
  camelKeys({ min_version: tls?.min_version, ciphers: tls?.ciphers });

/** A certificate and its key, which belong together. */
export const pairOf = ({
  cert,
  key,
}: {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}): { readonly cert: string; readonly key: string } | undefined =>
  cert === undefined || key === undefined ? undefined : { cert, key };

/**
 * A section `tls` that may do without a CA and a certificate of its own.
 * @param file makes the leaf of a file's name: `() => path(context.resolve)`
 */
export const tls = (file: () => ReturnType<typeof path>) =>
  z
    .strictObject({
      ca: setting(
        'the CA that signs the servers, in PEM; where it is not given, the CAs that Node.js comes with',
        file().optional(),
      ),
      ...revocationFields(file),
      cert: setting('the client certificate, in PEM, with its intermediates', file().optional()),
      key: setting('its private key, in PEM', file().optional()),
      verify: setting("whether the servers' certificates are verified", bool().default(true)),
      ...floorFields(),
    })
    .superRefine((it, context) => {
      if ((it.cert === undefined) !== (it.key === undefined))
        refuse(context, [], 'cert and key belong together: give both');
      checkRevocationKeys(it, [], context);
      if (it.crl !== undefined && it.verify === false)
        refuse(context, ['crl'], 'is of no use with verify: false');
    }, ALWAYS)
    .transform(({ cert, key, crl, crl_expired, ...it }) => ({
      ...camelKeys(it),
      revocation: revocationOf({ crl, crl_expired }),
      client: pairOf({ cert, key }),
    }));

/** Paths of PEM files. */
export type TlsConfig = z.output<ReturnType<typeof tls>>;

/** What goes for a side without a section `tls`. */
export const DEFAULT_TLS: TlsConfig = { revocation: undefined, client: undefined, verify: true };

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
  readonly password_file?: unknown;
}

export const userAndPassword = <T extends Credentials>(it: T, context: z.core.$RefinementCtx<T>): void => {
  if (it.password !== undefined && it.password_file !== undefined)
    refuse(context, ['password_file'], 'contradicts password: leave out one of them');
  const password = it.password ?? it.password_file;
  if ((it.user === undefined) === (password === undefined)) return;
  refuse(
    context,
    [it.user !== undefined ? 'user' : it.password === undefined ? 'password_file' : 'password'],
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

const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)$/i;

/** What a header Host names, without its port. */
export const hostName = () => text('a name or an address, without a port', (value) => HOST.test(value));
