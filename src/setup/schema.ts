import { z } from 'zod';
import type { EntrySchema } from '../adapters/adapter-type.ts';
import type { Registry } from '../adapters/registry.ts';
import type { SchemaContext } from '../config/context.ts';
import {
  ALWAYS,
  bytes,
  choice,
  field,
  integer,
  path,
  refuse,
  seconds,
  secret,
  text,
  token,
} from '../config/fields.ts';
import { isIdentity, isToken } from '../envelope/check.ts';
import { adapterName } from './adapter-module.ts';
import { claims } from './claims.ts';
import { http, statistics } from './http.ts';
import { route } from './route.ts';
import { type ClusterKey, type Config, LOG_FORMATS, LOG_LEVELS } from './types.ts';

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

/** Shorter keys can be guessed; a token's HMAC is SHA-256. */
export const MIN_CLUSTER_KEY = 32;

const clusterKey = () =>
  secret('at least 32 bytes, for instance of: openssl rand -base64 48').refine(
    (key) => Buffer.byteLength(key.reveal()) >= MIN_CLUSTER_KEY,
    { params: { allowed: 'at least 32 bytes, for instance of: openssl rand -base64 48' } },
  );

const DEFAULT_LOG = { level: 'info', format: 'auto' } as const;

/** Who an instance is. */
export const generalFields = (context: SchemaContext) => ({
  identity: text('a host name such as mcbridge1.example.net', isIdentity).default(context.hostname),
  cluster: token('a cluster name').default('mcollective'),
  instance: field(
    'a name: letters, digits, "_", "-" and "."; a number too',
    (value) =>
      isIdentity(String(value)) && ['string', 'number'].includes(typeof value) ? String(value) : undefined,
    { type: ['string', 'number'] },
  ).optional(),
});

/** The whole file, with entries of the types in a registry. */
export const configSchema = (context: SchemaContext, { ingressTypes, egressTypes }: Registry) =>
  z
    .strictObject({
      adapters: z.array(adapterName()).default([]),
      ...generalFields(context),
      cluster_key: clusterKey().optional(),
      cluster_key_file: path(context.resolve).optional(),
      max_ttl: seconds(1, 24 * 3600).default(3600),
      max_targets: integer(1, 100_000).default(1000),
      max_message_bytes: bytes(64 * 1024, 256 * 1024 ** 2).default(4 * 1024 ** 2),
      drain_timeout: seconds(0, 3600).default(10),
      record_socket: path(context.resolve).optional(),
      log: z
        .strictObject({
          level: choice(LOG_LEVELS).default(DEFAULT_LOG.level),
          format: choice(LOG_FORMATS).default(DEFAULT_LOG.format),
        })
        .default(DEFAULT_LOG),
      http: http(),
      statistics: statistics(),
      claims: claims(context).optional(),
      ingresses: z.record(name(), section(ingressTypes, context)).refine(...notEmpty),
      egresses: z.record(name(), section(egressTypes, context)).refine(...notEmpty),
      routes: z.array(route()).min(1),
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
    }, ALWAYS)
    .transform((it): Config => {
      const { cluster_key: key, cluster_key_file: file = '' } = it;
      const clusterKey: ClusterKey = key === undefined ? { kind: 'file', file } : { kind: 'given', key };
      return {
        adapters: it.adapters,
        identity: it.identity,
        cluster: it.cluster,
        instance: it.instance ?? it.identity,
        clusterKey,
        maxTtl: it.max_ttl,
        maxTargets: it.max_targets,
        maxMessageBytes: it.max_message_bytes,
        drainTimeout: it.drain_timeout,
        recordSocket: it.record_socket,
        log: it.log,
        http: it.http,
        statistics: it.statistics,
        claims: it.claims,
        ingresses: named(it.ingresses),
        egresses: named(it.egresses),
        routes: it.routes,
      };
    });
