import { dirname, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { type ConfigDocument, parseConfigDocument } from '../../config/document.ts';
import { bool, choice, field, path, refuse, text } from '../../config/fields.ts';
import { collectKnownKeys, describeIssue, type KnownKeys } from '../../config/issues.ts';
import { ConfigError } from '../../config/problem.ts';
import { FACT_OPERATORS, type FactFilter } from '../../envelope/filter.ts';
import { parseTime, TIME_FORM } from '../../envelope/time.ts';
import type { Value } from '../../envelope/value.ts';
import { parseFact } from '../arguments.ts';
import { readText } from '../files.ts';
import { DIALECT_NAMES, type SubjectOptions } from './subject.ts';

const fact = () =>
  field(
    `a fact such as country=uk, with one of ${[...FACT_OPERATORS].join(' ')} between`,
    (value): FactFilter | undefined => {
      if (typeof value !== 'string') return undefined;
      try {
        return parseFact(value);
      } catch (error) {
        if (error instanceof InvalidArgumentError) return undefined;
        throw error;
      }
    },
  );

const time = () => field(TIME_FORM, (value) => (typeof value === 'string' ? parseTime(value) : undefined));

/** Plain data of YAML as an input of an action. */
const inputOf = (plain: unknown): Value => {
  if (Array.isArray(plain)) return plain.map(inputOf);
  if (typeof plain === 'object' && plain !== null)
    return new Map(Object.entries(plain).map(([key, value]) => [key, inputOf(value)]));
  return typeof plain === 'string' || typeof plain === 'number' || typeof plain === 'boolean' ? plain : null;
};

const name = (what: string) => text(what).optional();

const oneCase = () =>
  z
    .strictObject({
      name: name('a sentence that says what the case is about'),
      caller: text('a callerid such as choria=alice.mcollective'),
      as: name('a callerid such as cert=alice'),
      agent: name('an agent'),
      action: name('an action'),
      collective: name('a collective'),
      ingress: name('an ingress'),
      egress: name('an egress'),
      nodes: z.array(text('the identity of a node')).optional(),
      facts: z.array(fact()).optional(),
      classes: z.array(text('a class')).optional(),
      identities: z.array(text('the identity of a node')).optional(),
      inputs: z.record(z.string(), z.unknown().transform(inputOf)).optional(),
      at: time().optional(),
      expect: choice(['allow', 'deny', 'defer']),
      rule: name('the name of a rule, or the file and line of one'),
    })
    .superRefine((it, context) => {
      if ((it.agent ?? 'discovery') !== 'discovery' && it.action === undefined)
        refuse(context, ['agent'], 'needs an action beside it: only discovery has none');
    });

const table = (folder: string) =>
  z.strictObject({
    config: path((it) => resolve(folder, it)).optional(),
    policy: name('the name of a policy of the configuration, or a file of rules'),
    route: name('a route, "ingress -> egress"'),
    folder: path((it) => resolve(folder, it)).optional(),
    dialect: choice(DIALECT_NAMES).optional(),
    allow_unconfigured: bool().optional(),
    enable_default: bool().optional(),
    default_name: name('the name of a policy'),
    unknown: choice(['defer', 'deny']).optional(),
    cases: z.array(oneCase()).min(1),
  });

export type Case = z.output<ReturnType<typeof oneCase>> & { readonly line: number };

/** Cases, and the policy that they are for, where the table names it. */
export interface Table {
  readonly subject: SubjectOptions;
  readonly cases: readonly Case[];
}

const parsed = (document: ConfigDocument, folder: string) => {
  if (document.problems.length > 0) throw new ConfigError(document.problems);
  const known: KnownKeys = new Map();
  const result = table(folder).safeParse(document.value ?? {}, { error: collectKnownKeys(known) });
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.flatMap((issue) => describeIssue(issue, document, known)));
};

/** @throws UsageError, ConfigError with every problem of the file */
export const readTable = (file: string): Table => {
  const document = parseConfigDocument(readText(file), file, process.env);
  const folder = dirname(resolve(file));
  const { cases, allow_unconfigured, enable_default, default_name, policy, ...rest } = parsed(
    document,
    folder,
  );
  return {
    subject: {
      ...rest,
      // A name where there is a configuration, otherwise a file beside the table.
      ...(policy !== undefined && { policy: rest.config === undefined ? resolve(folder, policy) : policy }),
      ...(allow_unconfigured !== undefined && { allowUnconfigured: allow_unconfigured }),
      ...(enable_default !== undefined && { enableDefault: enable_default }),
      ...(default_name !== undefined && { defaultName: default_name }),
    },
    cases: cases.map((it, index) => ({ ...it, line: document.at(['cases', index]).line })),
  };
};
