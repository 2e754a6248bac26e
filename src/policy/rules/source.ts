import type { z } from 'zod';
import { parseConfigDocument } from '../../config/document.ts';
import type { Place } from '../../config/files.ts';
import { collectKnownKeys, describeIssue, type KnownKeys } from '../../config/issues.ts';
import type { KeyPath, Problem } from '../../config/problem.ts';
import type { Environment } from '../../config/substitute.ts';
import { rulesFile } from '../section.ts';
import type { CallerEntry } from './callers.ts';
import type { RuleConfig } from './rule-config.ts';

/** Rules and groups that stand together in one file. */
export interface RuleSource {
  readonly place: Place;
  /** The key that `rules` and `groups` are below. */
  readonly below: KeyPath;
  readonly rules: readonly RuleConfig[];
  readonly groups: Readonly<Record<string, readonly CallerEntry[]>>;
}

export interface ReadSource {
  /** Undefined where there are problems. */
  readonly source?: RuleSource;
  readonly problems: readonly Problem[];
}

/**
 * Reads a file of rules.
 * @param file for messages, and for the names of rules that have none
 * @param env what `${NAME}` stands for
 */
export const readRulesFile = (text: string, file: string, env: Environment): ReadSource => {
  const document = parseConfigDocument(text, file, env);
  if (document.problems.length > 0) return { problems: document.problems };
  const known: KnownKeys = new Map();
  const result: z.ZodSafeParseResult<z.output<ReturnType<typeof rulesFile>>> = rulesFile().safeParse(
    document.value ?? {},
    { error: collectKnownKeys(known) },
  );
  if (!result.success)
    return { problems: result.error.issues.flatMap((issue) => describeIssue(issue, document, known)) };
  return { source: { place: document, below: [], ...result.data }, problems: [] };
};
