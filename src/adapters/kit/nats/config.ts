import { z } from 'zod';
import { camelKeys } from '../../../config/camel-keys.ts';
import { bool, field, keysOf, type path, refuse, secret, setting, text } from '../../../config/fields.ts';
import { checkRevocationKeys, revocationFields, revocationOf } from '../../../config/revocation.ts';
import { buffer, floorFields, pairOf, parseServer, userAndPassword } from '../../../config/shared.ts';

const SCHEMES = new Map([
  ['nats', { port: 4222, tls: false }],
  ['tls', { port: 4222, tls: true }],
  ['wss', { port: 443, tls: true }],
]);

/** A server for commands that make no connection. */
export const ANY_NATS_SERVER = 'nats://127.0.0.1';

const server = () =>
  field('nats://host:4222, tls://host:4222 or wss://host:443, without user or password', (value) =>
    typeof value === 'string' && value.includes('://') ? parseServer(value, SCHEMES) : undefined,
  );

/** What `checkNats` looks at: whether keys are there. */
export interface NatsGiven {
  readonly servers?: readonly { readonly tls: boolean; readonly url: string }[] | undefined;
  readonly tls?:
    | {
        readonly cert?: unknown;
        readonly key?: unknown;
        readonly crl?: unknown;
        readonly crl_expired?: unknown;
        readonly handshake_first?: unknown;
      }
    | undefined;
  readonly insecure_plaintext?: boolean;
  readonly user?: unknown;
  readonly password?: unknown;
  readonly password_file?: unknown;
  readonly token?: unknown;
  readonly token_file?: unknown;
  readonly nkey?: unknown;
  readonly credentials?: unknown;
}

/** Ways to log in, of which one is enough; `user` stands for its password too. */
const LOGINS = ['user', 'token', 'token_file', 'nkey', 'credentials'] as const;

export const checkNats = (it: NatsGiven, context: z.core.$RefinementCtx<NatsGiven>): void => {
  const plaintext = it.insecure_plaintext === true;
  const tls = keysOf(it.tls);
  checkRevocationKeys(tls, ['tls'], context);
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
const checkWebSockets = (it: NatsGiven, context: z.core.$RefinementCtx<NatsGiven>): void => {
  const servers = Array.isArray(it.servers) ? it.servers : [];
  // Undefined where an entry is not a server: that is said already.
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

const tls = (file: () => ReturnType<typeof path>) =>
  z.strictObject({
    ca: setting('the CA that signs the brokers, in PEM', file()),
    ...revocationFields(file),
    cert: setting(
      'the client certificate, in PEM, with its intermediates; brokers demand it where there is no other login',
      file().optional(),
    ),
    key: setting('its private key, in PEM, without passphrase', file().optional()),
    handshake_first: setting(
      "whether TLS comes before the server's first word, for servers that have that too",
      bool().default(false),
    ),
    ...floorFields(),
  });

/** The keys of a connection. */
export const natsFields = (file: () => ReturnType<typeof path>) => ({
  servers: setting(
    'the brokers, tried in this order, and after them those that they tell of; all of them wss://, or none',
    z.array(server()).min(1),
  ),
  tls: setting('what is shown to the brokers, and whom the bridge trusts', tls(file).optional()),
  insecure_plaintext: setting('without TLS, in place of tls: for a test network only', bool().default(false)),
  user: setting('where the brokers ask for it', text('a user name').optional()),
  password: setting('of that user', secret('a password; put it in quotes').optional()),
  password_file: setting(
    'a file with that password, in its place; read anew at each attempt to connect and when it changes',
    file().optional(),
  ),
  token: setting('in place of user and password', secret('a token; put it in quotes').optional()),
  token_file: setting(
    'a file with that token, in its place; read anew as password_file is',
    file().optional(),
  ),
  nkey: setting("the seed of the user's NKey, in place of those", file().optional()),
  credentials: setting(
    "a .creds file, the user's JWT and the seed of its NKey, in place of those",
    file().optional(),
  ),
  buffer: buffer(),
});

type Fields = z.output<z.ZodObject<ReturnType<typeof natsFields>>>;

/** What else a section has stays as it is. */
export const natsOf = <T extends Fields>({ insecure_plaintext: _, tls, ...it }: T) => ({
  ...camelKeys(it),
  tls: tls && tlsOf(tls),
});

const tlsOf = ({ cert, key, crl, crl_expired, ...it }: NonNullable<Fields['tls']>) => ({
  ...camelKeys(it),
  revocation: revocationOf({ crl, crl_expired }),
  client: pairOf({ cert, key }),
});

/** How to reach NATS servers, the same from an ingress, from an egress and for claims; without `tls` only with `insecure_plaintext`. */
export type NatsConnection = ReturnType<typeof natsOf<Fields>>;
