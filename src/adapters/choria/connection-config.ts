import { z } from 'zod';
import type { BufferConfig } from '../../config/context.ts';
import { bool, field, integer, keysOf, type path, refuse, secret, text } from '../../config/fields.ts';
import type { Secret } from '../../config/secret.ts';
import {
  buffer,
  floorFields,
  floorOf,
  parseServer,
  type Server,
  type TlsFloor,
  userAndPassword,
} from '../../config/shared.ts';

/** How to reach a Choria network, the same from an ingress and from an egress. */
export interface ChoriaConnection {
  readonly servers: readonly Server[];
  /** Undefined only with `insecure_plaintext`. */
  readonly tls: ChoriaTlsConfig | undefined;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly token: Secret | undefined;
  /** Path of a file with the seed of an NKey. */
  readonly nkey: string | undefined;
  /** Path of a `.creds` file. */
  readonly credentials: string | undefined;
  readonly buffer: BufferConfig;
}

/** Paths of PEM files. */
export interface ChoriaTlsConfig extends TlsFloor {
  readonly ca: string;
  /** With its key; undefined where the brokers ask for a password or a token instead. */
  readonly client: { readonly cert: string; readonly key: string } | undefined;
  /** Whether the TLS handshake comes before the server's first word. */
  readonly handshakeFirst: boolean;
}

const SCHEMES = new Map([
  ['nats', { port: 4222, tls: false }],
  ['tls', { port: 4222, tls: true }],
  ['wss', { port: 443, tls: true }],
]);

/** A server for whoever makes no connection. */
export const ANY_NATS_SERVER = 'nats://127.0.0.1';

const server = () =>
  field('nats://host:4222, tls://host:4222 or wss://host:443, without user or password', (value) =>
    typeof value === 'string' && value.includes('://') ? parseServer(value, SCHEMES) : undefined,
  );

/** What `checkConnection` looks at: whether keys are there. */
export interface Given {
  readonly servers?: readonly { readonly tls: boolean; readonly url: string }[] | undefined;
  readonly tls?:
    | { readonly cert?: unknown; readonly key?: unknown; readonly handshake_first?: unknown }
    | undefined;
  readonly insecure_plaintext?: boolean;
  readonly user?: unknown;
  readonly password?: unknown;
  readonly token?: unknown;
  readonly nkey?: unknown;
  readonly credentials?: unknown;
}

/** Ways to log in, of which one is enough; `user` stands for its password too. */
const LOGINS = ['user', 'token', 'nkey', 'credentials'] as const;

export const checkConnection = (it: Given, context: z.core.$RefinementCtx<Given>): void => {
  const plaintext = it.insecure_plaintext === true;
  const tls = keysOf(it.tls);
  if (it.tls === undefined && !plaintext)
    refuse(context, ['tls'], 'is missing: Choria always uses TLS; give tls, or insecure_plaintext: true');
  if (it.tls !== undefined && plaintext)
    refuse(context, ['insecure_plaintext'], 'contradicts tls: leave out one of them');
  if (plaintext && Array.isArray(it.servers))
    for (const [index, server] of it.servers.entries())
      if (server.tls === true)
        refuse(context, ['servers', index], 'asks for TLS, which insecure_plaintext: true rules out');
  if (tls !== undefined && (tls.cert === undefined) !== (tls.key === undefined))
    refuse(context, ['tls'], 'cert and key belong together: give both');
  else if (tls !== undefined && tls.cert === undefined && LOGINS.every((key) => it[key] === undefined))
    refuse(
      context,
      ['tls'],
      "Choria's brokers demand a client certificate: give cert and key here, or user and password, token, nkey or credentials",
    );
  userAndPassword(it, context);
  const [login, ...others] = LOGINS.filter((key) => it[key] !== undefined);
  for (const key of others)
    refuse(
      context,
      [key],
      `contradicts ${login === 'user' ? 'user and password' : login}: leave out one of them`,
    );
  checkWebSockets(it, context);
};

/** What servers tell of others does not say how those are spoken to. */
const checkWebSockets = (it: Given, context: z.core.$RefinementCtx<Given>): void => {
  const servers = Array.isArray(it.servers) ? it.servers : [];
  // Undefined where an entry is no server: that is said already.
  const ways = servers.map((server) =>
    typeof server?.url === 'string' ? server.url.startsWith('wss:') : undefined,
  );
  const first = ways.find((way) => way !== undefined);
  const other = ways.findIndex((way) => way !== undefined && way !== first);
  if (other >= 0)
    refuse(context, ['servers', other], 'goes by another way: all servers are wss://, or none of them');
  else if (first === true && keysOf(it.tls)?.handshake_first === true)
    refuse(
      context,
      ['tls', 'handshake_first'],
      'is for nats:// and tls://: with wss:// TLS comes first anyway',
    );
};

/** The keys of a connection. */
export const connectionFields = (file: () => ReturnType<typeof path>) => ({
  servers: z.array(server()).min(1),
  tls: z
    .strictObject({
      ca: file(),
      cert: file().optional(),
      key: file().optional(),
      handshake_first: bool().default(false),
      ...floorFields(),
    })
    .optional(),
  insecure_plaintext: bool().default(false),
  user: text('a user name').optional(),
  password: secret('a password; put it in quotes').optional(),
  token: secret('a token; put it in quotes').optional(),
  nkey: file().optional(),
  credentials: file().optional(),
  buffer: buffer(),
});

/** How many members of its queue groups a bridge is: as many as others of the cluster are, for an equal share. */
export const subscriptionsField = () => integer(1, 100).default(1);

type Fields = z.output<z.ZodObject<ReturnType<typeof connectionFields>>>;

export const connectionOf = (it: Fields): ChoriaConnection => {
  const { cert, key } = it.tls ?? {};
  return {
    servers: it.servers,
    tls: it.tls && {
      ...floorOf(it.tls),
      ca: it.tls.ca,
      client: cert === undefined || key === undefined ? undefined : { cert, key },
      handshakeFirst: it.tls.handshake_first,
    },
    user: it.user,
    password: it.password,
    token: it.token,
    nkey: it.nkey,
    credentials: it.credentials,
    buffer: it.buffer,
  };
};
