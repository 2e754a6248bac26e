import { z } from 'zod';
import { type CamelKeys, camelKeys } from '../config/camel-keys.ts';
import type { SchemaContext } from '../config/context.ts';
import {
  ALWAYS,
  bool,
  bytes,
  choice,
  integer,
  path,
  refuse,
  seconds,
  setting,
  text,
  token,
} from '../config/fields.ts';
import { longSecret } from '../config/long-secret.ts';

const FORMATS = ['choria', 'cloudevents'] as const;
const MB = 1000 ** 2;

const subject = () =>
  text('a NATS subject without wildcards', (it) => /^[^\s.*>]+(?:\.[^\s.*>]+)*$/.test(it));

const sink = (context: SchemaContext) =>
  z
    .strictObject({
      file: setting('a file that records are appended to', path(context.resolve).optional()),
      stdout: setting('whether records go to standard output', bool().optional()),
      nats: setting('where records are published, on the network of the statistics', subject().optional()),
      format: setting('how records look', choice(FORMATS).default('choria')),
      on_failure: setting(
        'stop: a request that is not in the file, and on the disk, does not go out; continue: it does, and what is lost is counted',
        choice(['stop', 'continue']).default('continue'),
      ),
      timeout: setting(
        'how long a request waits for its record, where on_failure is stop',
        seconds(1, 60).default(5),
      ),
      rotate: setting('the size from which on another file is begun', bytes(MB, 1000 ** 4).default(100 * MB)),
      keep: setting('how many full files are kept; all unless given', integer(1, 100_000).optional()),
      egresses: setting(
        'only records of requests that go out here; all unless given',
        z.array(token('the name of an egress')).min(1).optional(),
      ),
    })
    .superRefine((it, context) => {
      const given = (['file', 'stdout', 'nats'] as const).filter(
        (key) => it[key] !== undefined && it[key] !== false,
      );
      if (given.length !== 1) refuse(context, [], 'give one of file, stdout and nats');
      if (it.on_failure === 'stop' && it.file === undefined)
        refuse(context, ['on_failure'], 'stop is for a file: nothing else can say that a record is safe');
    }, ALWAYS)
    .transform((it) => camelKeys(it));

/** The audit: what is written down, and where. */
export const audit = (context: SchemaContext) =>
  z
    .strictObject({
      sinks: setting('where records go', z.array(sink(context)).min(1)),
      redact: setting(
        'inputs that are not written down as they are, by their names at any depth; "*" is for all others',
        z.record(z.string(), choice(['drop', 'hmac'])).default({}),
      ),
      hmac_key: setting('what the codes of hmac are made with', longSecret().optional()),
      hmac_key_file: setting('the file of that key, in place of hmac_key', path(context.resolve).optional()),
      names: setting('how many nodes a record names at most', integer(0, 10_000).default(20)),
      key_file: setting(
        "the operator's Ed25519 key, which signs heads; without it nothing is signed",
        path(context.resolve).optional(),
      ),
      heads: setting(
        'signed heads',
        z
          .strictObject({
            records: setting('after how many records one is due', integer(1, 1_000_000).default(1_000)),
            interval: setting(
              'and after which time, if there is anything new',
              seconds(1, 86_400).default(60),
            ),
            nats: setting('where they are published as well', subject().optional()),
          })
          .default({ records: 1_000, interval: 60 }),
      ),
      network: setting(
        'the ingress whose network nats is on; the first that carries statistics unless given',
        token('the name of an ingress').optional(),
      ),
    })
    .superRefine((it, context) => {
      const codes = Object.values(it.redact ?? {}).includes('hmac');
      if (codes && it.hmac_key === undefined && it.hmac_key_file === undefined)
        refuse(context, ['redact'], 'hmac takes hmac_key_file, or hmac_key');
      if (it.hmac_key !== undefined && it.hmac_key_file !== undefined)
        refuse(context, ['hmac_key_file'], 'contradicts hmac_key: leave out one of them');
      const sinks = Array.isArray(it.sinks) ? it.sinks : [];
      const files = sinks.map((one) => one?.file);
      for (const [index, file] of files.entries())
        if (file !== undefined && files.indexOf(file) < index)
          refuse(context, ['sinks', index, 'file'], 'is the file of another sink already');
      if (sinks.filter((one) => one?.stdout === true).length > 1)
        refuse(context, ['sinks'], 'standard output is there once');
    }, ALWAYS)
    .transform(({ redact, sinks, ...it }) => ({
      ...camelKeys(it),
      redact: new Map(Object.entries(redact)),
      sinks,
    }));

export type AuditConfig = CamelKeys<z.output<ReturnType<typeof audit>>>;
export type AuditSinkConfig = AuditConfig['sinks'][number];
