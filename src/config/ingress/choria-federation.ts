import { z } from 'zod';
import { ALWAYS, bool, field, path, pattern, refuse, secret, text, token } from '../fields.ts';
import type { Secret } from '../secret.ts';
import { buffer, parseServer, type Server, userAndPassword } from '../shared.ts';
import type { BufferConfig, SchemaContext } from '../types.ts';

/** Requests from a Choria federation network, over NATS. */
export interface ChoriaFederationConfig {
  readonly type: 'choria-federation';
  /** Part of the subject: `choria.federation.<cluster>.federation`. */
  readonly cluster: string;
  readonly servers: readonly Server[];
  /** Undefined only with `insecure_plaintext`. */
  readonly tls: ChoriaTlsConfig | undefined;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly token: Secret | undefined;
  readonly callers: CallersConfig;
  readonly replyCollectives: readonly string[];
  readonly buffer: BufferConfig;
}

/** Paths of PEM files. */
export interface ChoriaTlsConfig {
  readonly ca: string;
  /** With its key; undefined where the brokers ask for a password or a token instead. */
  readonly client: { readonly cert: string; readonly key: string } | undefined;
}

/** Whose requests are believed. */
export interface CallersConfig {
  /** Path of the CA that signs the callers' certificates. */
  readonly ca: string;
  /** Certificate names that may send requests. */
  readonly allow: readonly RegExp[];
  /** Certificate names that may speak for any caller. */
  readonly privileged: readonly RegExp[];
}

const SCHEMES = new Map([
  ['nats', { port: 4222, tls: false }],
  ['tls', { port: 4222, tls: true }],
]);

const server = () =>
  field('nats://host:4222 or tls://host:4222, without user or password', (value) =>
    typeof value === 'string' && value.includes('://') ? parseServer(value, SCHEMES) : undefined,
  );

// plugin.choria.security.certname_whitelist and .privileged_users of go-choria 0.30, dots escaped.
const ALLOW = [/\.mcollective$/, /\.choria$/];
const PRIVILEGED = [/\.privileged\.mcollective$/, /\.privileged\.choria$/];

/** What `combinations` looks at: whether keys are there. */
interface Given {
  readonly servers?: readonly { readonly tls: boolean }[];
  readonly tls?: { readonly cert?: unknown; readonly key?: unknown } | undefined;
  readonly insecure_plaintext?: boolean;
  readonly user?: unknown;
  readonly password?: unknown;
  readonly token?: unknown;
  readonly callers?: { readonly ca?: unknown } | undefined;
}

const combinations = (it: Given, context: z.core.$RefinementCtx<Given>): void => {
  const plaintext = it.insecure_plaintext === true;
  if (it.tls === undefined && !plaintext)
    refuse(context, ['tls'], 'is missing: Choria always uses TLS; give tls, or insecure_plaintext: true');
  if (it.tls !== undefined && plaintext)
    refuse(context, ['insecure_plaintext'], 'contradicts tls: leave out one of them');
  if (plaintext && Array.isArray(it.servers))
    for (const [index, server] of it.servers.entries())
      if (server.tls === true)
        refuse(context, ['servers', index], 'asks for TLS, which insecure_plaintext: true rules out');
  if (it.tls !== undefined && (it.tls.cert === undefined) !== (it.tls.key === undefined))
    refuse(context, ['tls'], 'cert and key belong together: give both');
  else if (
    it.tls !== undefined &&
    it.tls.cert === undefined &&
    it.user === undefined &&
    it.token === undefined
  )
    refuse(
      context,
      ['tls'],
      "Choria's brokers demand a client certificate: give cert and key here, or user and password, or token",
    );
  userAndPassword(it, context);
  if (it.user !== undefined && it.token !== undefined)
    refuse(context, ['token'], 'contradicts user and password: leave out one of them');
  if (plaintext && it.tls === undefined && it.callers?.ca === undefined)
    refuse(context, ['callers'], 'ca is missing: without tls there is no CA to verify callers with');
};

export const choriaFederation = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('choria-federation'),
      cluster: token('a cluster name').default(context.cluster),
      servers: z.array(server()).min(1),
      tls: z.strictObject({ ca: file(), cert: file().optional(), key: file().optional() }).optional(),
      insecure_plaintext: bool().default(false),
      user: text('a user name').optional(),
      password: secret('a password; put it in quotes').optional(),
      token: secret('a token; put it in quotes').optional(),
      callers: z
        .strictObject({
          ca: file().optional(),
          allow: z.array(pattern()).default(ALLOW),
          privileged: z.array(pattern()).default(PRIVILEGED),
        })
        .optional(),
      reply_collectives: z.array(token('a collective')).default([]),
      buffer: buffer(),
    })
    .superRefine(combinations, ALWAYS)
    .transform((it): ChoriaFederationConfig => {
      const { cert, key } = it.tls ?? {};
      return {
        type: it.type,
        cluster: it.cluster,
        servers: it.servers,
        tls: it.tls && {
          ca: it.tls.ca,
          client: cert === undefined || key === undefined ? undefined : { cert, key },
        },
        user: it.user,
        password: it.password,
        token: it.token,
        callers: {
          ca: it.callers?.ca ?? it.tls?.ca ?? '',
          allow: it.callers?.allow ?? ALLOW,
          privileged: it.callers?.privileged ?? PRIVILEGED,
        },
        replyCollectives: it.reply_collectives,
        buffer: it.buffer,
      };
    });
};
