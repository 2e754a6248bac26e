import { z } from 'zod';
import type { EntrySchema } from '../adapters/adapter-type.ts';
import type { Registry } from '../adapters/registry.ts';
import { type CamelKeys, camelKeys } from '../config/camel-keys.ts';
import type { SchemaContext } from '../config/context.ts';
import { ALWAYS, choice, field, path, refuse, seconds, setting, text, token } from '../config/fields.ts';
import { limitFields } from '../config/limits.ts';
import { longSecret } from '../config/long-secret.ts';
import type { Secret } from '../config/secret.ts';
import { isIdentity, isToken } from '../envelope/check.ts';
import { policy } from '../policy/section.ts';
import { adapterName } from './adapter-module.ts';
import { audit } from './audit.ts';
import { claims } from './claims.ts';
import { http, statistics } from './http.ts';
import { page } from './page.ts';
import { route } from './route.ts';

interface Read<E> {
  schema(context: SchemaContext): EntrySchema<(name: string) => E>;
}

/** A section of one of the types; its schema makes the entry of that name. */
const section = <E>(types: readonly Read<E>[], context: SchemaContext) => {
  const [first, ...others] = types.map((it) => it.schema(context));
  if (first === undefined) throw new Error('a registry has no type for one of the sides');
  return z.discriminatedUnion('type', [first, ...others]);
};

const name = () => z.string().refine(isToken);

const notEmpty = [
  (it: object): boolean => Object.keys(it).length > 0,
  { message: 'has no entry', params: { sentence: true, allowed: 'at least one entry' } },
] as const;

const named = <E>(record: Readonly<Record<string, (name: string) => E>>): ReadonlyMap<string, E> =>
  new Map(Object.entries(record).map(([name, entryOf]) => [name, entryOf(name)]));

/** The key that reply tokens are authenticated with: given in the configuration, or the name of its file. */
export type ClusterKey =
  | { readonly kind: 'given'; readonly key: Secret }
  | { readonly kind: 'file'; readonly file: string };

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export const LOG_FORMATS = ['auto', 'json', 'pretty'] as const;

const DEFAULT_LOG = { level: 'info', format: 'auto' } as const;

/** Who an instance is. */
export const generalFields = (context: SchemaContext) => ({
  identity: setting(
    "this instance's name in mc_sender, senderid and logs; where it is not given, the name of the machine",
    text('a host name such as mcbridge1.example.net', isIdentity).default(context.hostname),
  ),
  cluster: setting(
    'instances with the same cluster share its work',
    token('a cluster name').default('mcollective'),
  ),
  instance: setting(
    'tells the instances of a cluster apart; where it is not given, identity does',
    field(
      'a name: letters, digits, "_", "-" and "."; a number too',
      (value) =>
        isIdentity(String(value)) && ['string', 'number'].includes(typeof value) ? String(value) : undefined,
      { type: ['string', 'number'] },
    ).optional(),
  ),
});

const log = (context: SchemaContext) =>
  z
    .strictObject({
      level: setting(
        'the least important lines that are written',
        choice(LOG_LEVELS).default(DEFAULT_LOG.level),
      ),
      format: setting(
        'how they look; auto is pretty on a terminal, else json',
        choice(LOG_FORMATS).default(DEFAULT_LOG.format),
      ),
      file: setting(
        'where lines are appended; standard output unless given',
        path(context.resolve).optional(),
      ),
    })
    .default(DEFAULT_LOG);

/** The whole file, with entries of the types in a registry. */
export const configSchema = (context: SchemaContext, { ingressTypes, egressTypes }: Registry) =>
  z
    .strictObject({
      adapters: setting(
        'files and packages that bring further types of ingresses and egresses; their code is run',
        z.array(adapterName()).default([]),
      ),
      ...generalFields(context),
      cluster_key: setting('authenticates reply tokens; the same in all instances', longSecret().optional()),
      cluster_key_file: setting(
        'the file of that key, in place of cluster_key',
        path(context.resolve).optional(),
      ),
      next_cluster_key: setting(
        'the key that comes after cluster_key, while all instances learn it: accepted, not yet signed with',
        longSecret().optional(),
      ),
      next_cluster_key_file: setting(
        'the file of that key, in place of next_cluster_key',
        path(context.resolve).optional(),
      ),
      ...limitFields(),
      drain_timeout: setting('how long SIGTERM waits for what is in flight', seconds(0, 3600).default(10)),
      record_socket: setting(
        'a Unix socket at which mcbridge record hears all that goes through the running bridge',
        path(context.resolve).optional(),
      ),
      control_socket: setting(
        'a Unix socket at which the running bridge takes orders such as mcbridge reload',
        path(context.resolve).optional(),
      ),
      log: setting('the log', log(context)),
      http: setting('metrics and health over HTTP', http()),
      page: setting('a page that shows the bridge live, in a browser', page(context)),
      statistics: setting('the documents for federation observe', statistics()),
      claims: setting(
        'a NATS with JetStream, where instances claim the broadcasts of legacy clients, and count together what max_nodes limits',
        claims(context).optional(),
      ),
      audit: setting('what is written down of each request, and where', audit(context).optional()),
      ingresses: setting(
        'where requests come in: a name of your own, then a section of one of the types',
        z.record(name(), section(ingressTypes, context)).refine(...notEmpty),
      ),
      egresses: setting(
        'where requests go out: a name of your own, then a section of one of the types',
        z.record(name(), section(egressTypes, context)).refine(...notEmpty),
      ),
      policies: setting(
        'who may ask what: a name of your own for each policy, by which routes name it',
        z.record(name(), policy(context)).default({}),
      ),
      routes: setting('who may reach what; nothing passes that no route names', z.array(route()).min(1)),
    })
    .superRefine((it, context) => {
      if (it.cluster_key === undefined && it.cluster_key_file === undefined)
        refuse(
          context,
          ['cluster_key'],
          'is missing: give cluster_key or cluster_key_file, the same in all instances',
        );
      if (it.cluster_key !== undefined && it.cluster_key_file !== undefined)
        refuse(context, ['cluster_key_file'], 'contradicts cluster_key: leave out one of them');
      if (it.next_cluster_key !== undefined && it.next_cluster_key_file !== undefined)
        refuse(context, ['next_cluster_key_file'], 'contradicts next_cluster_key: leave out one of them');
    }, ALWAYS)
    .transform(
      ({
        instance,
        cluster_key: key,
        cluster_key_file: file,
        next_cluster_key: next,
        next_cluster_key_file: nextFile,
        ingresses,
        egresses,
        ...it
      }) => {
        const keyOf = (key: Secret | undefined, file = ''): ClusterKey =>
          key === undefined ? { kind: 'file', file } : { kind: 'given', key };
        return {
          ...camelKeys(it),
          instance: instance ?? it.identity,
          clusterKey: keyOf(key, file),
          nextClusterKey: next === undefined && nextFile === undefined ? undefined : keyOf(next, nextFile),
          ingresses: named(ingresses),
          egresses: named(egresses),
        };
      },
    );

/** What a bridge does, fully resolved: defaults filled in, paths absolute, patterns compiled; entries by their names, in the order of the file. */
export type Config = CamelKeys<z.output<ReturnType<typeof configSchema>>>;

export type LogConfig = Config['log'];
