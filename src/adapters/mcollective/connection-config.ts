import { z } from 'zod';
import type { BufferConfig } from '../../config/context.ts';
import {
  bool,
  choice,
  field,
  integer,
  type path,
  refuse,
  seconds,
  secret,
  text,
} from '../../config/fields.ts';
import type { Secret } from '../../config/secret.ts';
import {
  buffer,
  DEFAULT_TLS,
  parseServer,
  type Server,
  type TlsConfig,
  tls,
  userAndPassword,
} from '../../config/shared.ts';

/** How to reach legacy MCollective's brokers and speak its wire, the same from an ingress and from an egress. */
export interface StompConnection {
  readonly broker: 'activemq';
  readonly servers: readonly Server[];
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly vhost: string;
  /** For the servers with `stomp+ssl`; the defaults where the file has no `tls`. */
  readonly tls: TlsConfig;
  readonly versions: readonly StompVersion[];
  /** Seconds; 0 is off. */
  readonly heartbeat: number;
  readonly serializer: 'marshal' | 'yaml';
  readonly base64: boolean;
  readonly agentsMultiplex: boolean;
  /** STOMP's `priority`; 0 leaves the header out. */
  readonly priority: number;
  /** `activemq.prefetchSize` of subscriptions. */
  readonly prefetch: number;
  readonly buffer: BufferConfig;
}

export type StompVersion = '1.0' | '1.1' | '1.2';

const SCHEMES = new Map([
  ['stomp', { port: 61_613, tls: false }],
  ['stomp+ssl', { port: 61_614, tls: true }],
]);

/** A server for whoever makes no connection: with or without `tls` beside it, it is a valid one. */
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
}

export const checkStomp = (it: StompGiven, context: z.core.$RefinementCtx<StompGiven>): void => {
  if (it.tls !== undefined && Array.isArray(it.servers) && it.servers.every((server) => server.tls === false))
    refuse(context, ['tls'], 'is of no use: no server is stomp+ssl://');
  userAndPassword(it, context);
};

/** The keys of a connection. */
export const stompFields = (file: () => ReturnType<typeof path>) => ({
  broker: broker().default('activemq'),
  servers: z.array(server()).min(1),
  user: text('a user name').optional(),
  password: secret('a password; put it in quotes').optional(),
  vhost: text('the name of a virtual host').default('mcollective'),
  tls: tls(file).optional(),
  versions: z
    .array(choice(['1.2', '1.1', '1.0']))
    .min(1)
    .default(['1.2', '1.1', '1.0']),
  heartbeat: seconds(0, 3600).default(30),
  serializer: choice(['marshal', 'yaml']).default('marshal'),
  base64: bool().default(false),
  agents_multiplex: bool().default(false),
  priority: integer(0, 9).default(0),
  prefetch: integer(1, 32_766).default(1000),
  buffer: buffer(),
});

type Fields = z.output<z.ZodObject<ReturnType<typeof stompFields>>>;

export const stompOf = (it: Fields): StompConnection => ({
  broker: it.broker,
  servers: it.servers,
  user: it.user,
  password: it.password,
  vhost: it.vhost,
  tls: it.tls ?? DEFAULT_TLS,
  versions: it.versions,
  heartbeat: it.heartbeat,
  serializer: it.serializer,
  base64: it.base64,
  agentsMultiplex: it.agents_multiplex,
  priority: it.priority,
  prefetch: it.prefetch,
  buffer: it.buffer,
});
