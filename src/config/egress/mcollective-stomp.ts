import { z } from 'zod';
import { isCallerId } from '../../envelope/check.ts';
import {
  ALWAYS,
  bool,
  choice,
  field,
  integer,
  path,
  pattern,
  refuse,
  seconds,
  secret,
  text,
} from '../fields.ts';
import type { Secret } from '../secret.ts';
import { buffer, parseServer, type Server, userAndPassword } from '../shared.ts';
import type { BufferConfig, SchemaContext } from '../types.ts';

/** Requests to legacy MCollective nodes, over STOMP. */
export interface McollectiveStompConfig {
  readonly type: 'mcollective-stomp';
  readonly broker: 'activemq';
  readonly servers: readonly Server[];
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly vhost: string;
  /** For the servers with `stomp+ssl`; the defaults where the file has no `tls`. */
  readonly tls: StompTlsConfig;
  readonly versions: readonly StompVersion[];
  /** Seconds; 0 is off. */
  readonly heartbeat: number;
  readonly serializer: 'marshal' | 'yaml';
  readonly base64: boolean;
  readonly agentsMultiplex: boolean;
  /** STOMP's `priority`; 0 leaves the header out. */
  readonly priority: number;
  /** Directed frames that may lie unanswered in the broker's queue; ActiveMQ's page size by default. */
  readonly directLimit: number;
  /** `activemq.prefetchSize` of subscriptions. */
  readonly prefetch: number;
  readonly signing: SigningConfig;
  /** Paths of PEM public keys or certificates of the daemons. */
  readonly serverPublicKeys: readonly string[];
  /** Callerids that only a rule with `privileged: true` may yield. */
  readonly privileged: readonly RegExp[];
  readonly buffer: BufferConfig;
}

/** Paths of PEM files. */
export interface StompTlsConfig {
  /** Undefined: the CAs that Node comes with. */
  readonly ca: string | undefined;
  readonly client: { readonly cert: string; readonly key: string } | undefined;
  /** Whether the server's certificate is verified. */
  readonly verify: boolean;
}

export type StompVersion = '1.0' | '1.1' | '1.2';

/** Whose key signs requests: each mapped caller's own, `<folder>/<name>.pem` for `cert=<name>`, or one for all. */
export type SigningConfig =
  | { readonly kind: 'keys'; readonly folder: string }
  | { readonly kind: 'shared'; readonly callerid: string; readonly privateKey: string };

const SCHEMES = new Map([
  ['stomp', { port: 61_613, tls: false }],
  ['stomp+ssl', { port: 61_614, tls: true }],
]);

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

/** What `combinations` looks at: whether keys are there. */
interface Given {
  readonly servers?: readonly { readonly tls: boolean }[];
  readonly tls?: { readonly cert?: unknown; readonly key?: unknown } | undefined;
  readonly user?: unknown;
  readonly password?: unknown;
}

const combinations = (it: Given, context: z.core.$RefinementCtx<Given>): void => {
  if (it.tls !== undefined && Array.isArray(it.servers) && it.servers.every((server) => server.tls === false))
    refuse(context, ['tls'], 'is of no use: no server is stomp+ssl://');
  if (it.tls !== undefined && (it.tls.cert === undefined) !== (it.tls.key === undefined))
    refuse(context, ['tls'], 'cert and key belong together: give both');
  userAndPassword(it, context);
};

const EITHER =
  'give either keys_dir (a private key for each caller), or callerid and private_key (one shared identity)';

const signing = (file: () => ReturnType<typeof path>) =>
  z
    .strictObject({
      keys_dir: file().optional(),
      callerid: text('a callerid such as cert=mcbridge', isCallerId).optional(),
      private_key: file().optional(),
    })
    .superRefine((it, context) => {
      const shared = it.callerid !== undefined && it.private_key !== undefined;
      const any = it.callerid !== undefined || it.private_key !== undefined;
      if (it.keys_dir === undefined ? !shared : any) refuse(context, [], EITHER);
    }, ALWAYS)
    .transform((it): SigningConfig => {
      const { keys_dir: folder, callerid = '', private_key: privateKey = '' } = it;
      return folder === undefined ? { kind: 'shared', callerid, privateKey } : { kind: 'keys', folder };
    });

export const mcollectiveStomp = (context: SchemaContext) => {
  const file = () => path(context.resolve);
  return z
    .strictObject({
      type: z.literal('mcollective-stomp'),
      broker: broker().default('activemq'),
      servers: z.array(server()).min(1),
      user: text('a user name').optional(),
      password: secret('a password; put it in quotes').optional(),
      vhost: text('the name of a virtual host').default('mcollective'),
      tls: z
        .strictObject({
          ca: file().optional(),
          cert: file().optional(),
          key: file().optional(),
          verify: bool().default(true),
        })
        .optional(),
      versions: z
        .array(choice(['1.2', '1.1', '1.0']))
        .min(1)
        .default(['1.2', '1.1', '1.0']),
      heartbeat: seconds(0, 3600).default(30),
      serializer: choice(['marshal', 'yaml']).default('marshal'),
      base64: bool().default(false),
      agents_multiplex: bool().default(false),
      priority: integer(0, 9).default(0),
      direct_limit: integer(0, 1_000_000).default(200),
      prefetch: integer(1, 32_766).default(1000),
      signing: signing(file),
      server_public_key: z.preprocess(
        (value) => (typeof value === 'string' ? [value] : value),
        z.array(file()).min(1),
      ),
      privileged: z.array(pattern()).default([]),
      buffer: buffer(),
    })
    .superRefine(combinations, ALWAYS)
    .transform((it): McollectiveStompConfig => {
      const { cert, key } = it.tls ?? {};
      return {
        type: it.type,
        broker: it.broker,
        servers: it.servers,
        user: it.user,
        password: it.password,
        vhost: it.vhost,
        tls: {
          ca: it.tls?.ca,
          client: cert === undefined || key === undefined ? undefined : { cert, key },
          verify: it.tls?.verify ?? true,
        },
        versions: it.versions,
        heartbeat: it.heartbeat,
        serializer: it.serializer,
        base64: it.base64,
        agentsMultiplex: it.agents_multiplex,
        priority: it.priority,
        directLimit: it.direct_limit,
        prefetch: it.prefetch,
        signing: it.signing,
        serverPublicKeys: it.server_public_key,
        privileged: it.privileged,
        buffer: it.buffer,
      };
    });
};
