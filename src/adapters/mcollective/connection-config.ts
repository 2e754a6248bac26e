import { z } from 'zod';
import { camelKeys } from '../../config/camel-keys.ts';
import {
  bool,
  choice,
  field,
  integer,
  type path,
  refuse,
  seconds,
  secret,
  setting,
  text,
} from '../../config/fields.ts';
import { buffer, DEFAULT_TLS, parseServer, tls, userAndPassword } from '../../config/shared.ts';

const SCHEMES = new Map([
  ['stomp', { port: 61_613, tls: false }],
  ['stomp+ssl', { port: 61_614, tls: true }],
]);

/** A server for commands that make no connection: valid with or without `tls` beside it. */
export const ANY_STOMP_SERVER = 'stomp+ssl://127.0.0.1:61614';

const server = () =>
  field('stomp://host:61613, stomp+ssl://host:61614 or host:61613, without user or password', (value) =>
    parseServer(value, SCHEMES),
  );

const broker = () =>
  choice(['activemq', 'rabbitmq']).transform((value, context): 'activemq' => {
    if (value === 'activemq') return value;
    context.addIssue({
      code: 'custom',
      message: 'rabbitmq is not supported yet',
      params: { sentence: true, allowed: 'activemq' },
    });
    return z.NEVER;
  });

/** What `checkStomp` looks at: whether keys are there. */
export interface StompGiven {
  readonly servers?: readonly { readonly tls: boolean }[];
  readonly tls?: unknown;
  readonly user?: unknown;
  readonly password?: unknown;
  readonly password_file?: unknown;
}

export const checkStomp = (it: StompGiven, context: z.core.$RefinementCtx<StompGiven>): void => {
  if (it.tls !== undefined && Array.isArray(it.servers) && it.servers.every((server) => server.tls === false))
    refuse(context, ['tls'], 'is of no use: no server is stomp+ssl://');
  userAndPassword(it, context);
};

/** The keys of a connection. */
export const stompFields = (file: () => ReturnType<typeof path>) => ({
  broker: setting('how destinations are named', broker().default('activemq')),
  servers: setting('the brokers, tried in this order', z.array(server()).min(1)),
  user: setting('where the brokers ask for it', text('a user name').optional()),
  password: setting('of that user', secret('a password; put it in quotes').optional()),
  password_file: setting(
    'a file with that password, in its place; read anew at each attempt to connect and when it changes',
    file().optional(),
  ),
  vhost: setting('the header host of CONNECT', text('the name of a virtual host').default('mcollective')),
  tls: setting('for servers with stomp+ssl://', tls(file).optional()),
  versions: setting(
    'the versions of STOMP that are offered; in quotes',
    z
      .array(choice(['1.2', '1.1', '1.0']))
      .min(1)
      .default(['1.2', '1.1', '1.0']),
  ),
  heartbeat: setting('how often both sides let hear from them; 0 is off', seconds(0, 3600).default(30)),
  serializer: setting("the daemons' plugin.ssl_serializer", choice(['marshal', 'yaml']).default('marshal')),
  base64: setting("the daemons' plugin.activemq.base64", bool().default(false)),
  agents_multiplex: setting("the daemons' plugin.activemq.agents_multiplex", bool().default(false)),
  priority: setting("STOMP's priority; 0 leaves the header out", integer(0, 9).default(0)),
  prefetch: setting(
    'activemq.prefetchSize: how many messages the broker hands over ahead',
    integer(1, 32_766).default(1000),
  ),
  buffer: buffer(),
});

type Fields = z.output<z.ZodObject<ReturnType<typeof stompFields>>>;

/** What else a section has stays as it is. */
export const stompOf = <T extends Fields>({ tls = DEFAULT_TLS, ...it }: T) => ({ ...camelKeys(it), tls });

/** How to reach legacy MCollective's brokers and speak its wire, the same from an ingress and from an egress. */
export type StompConnection = ReturnType<typeof stompOf<Fields>>;
