import { z } from 'zod';
import { type ConfiguredPattern, compilePattern } from '../../config/pattern/compile.ts';
import { type Names, PROVEN_NAMES } from '../../config/pattern/meaning.ts';
import { PatternProblem } from '../../config/pattern/scan.ts';
import { isIdentity, isProvenName, isToken } from '../../envelope/check.ts';

/** One of those whom a rule is for. */
export type CallerEntry =
  | { readonly kind: 'all' }
  | { readonly kind: 'exact'; readonly name: string }
  /** Matches the whole name. */
  | { readonly kind: 'pattern'; readonly pattern: ConfiguredPattern }
  | { readonly kind: 'group'; readonly name: string };

/** A node, by its name or by a pattern of the whole of it. */
export type NodeEntry = Extract<CallerEntry, { readonly kind: 'exact' | 'pattern' }>;

const isBetweenSlashes = (text: string): boolean => /^\/.+\/\w*$/s.test(text);

const CALLER_NAMES: Names = PROVEN_NAMES;
const NODE_NAMES: Names = { what: 'the name of a node' };

/** A leaf that is a pattern where it stands between slashes, and otherwise what `read` makes of it. */
const nameOrPattern = <T>(allowed: string, names: Names, read: (text: string) => T | undefined) =>
  z
    .unknown()
    .transform((value, context): T | { readonly kind: 'pattern'; readonly pattern: ConfiguredPattern } => {
      const refused = (params: object): never => {
        context.addIssue({ code: 'custom', message: 'is not allowed', params: { ...params, allowed } });
        return z.NEVER;
      };
      if (typeof value !== 'string') return refused({});
      if (!isBetweenSlashes(value)) return read(value) ?? refused({});
      try {
        return { kind: 'pattern', pattern: compilePattern(value, names, true) };
      } catch (error) {
        if (!(error instanceof PatternProblem)) throw error;
        return refused({ reason: error.message });
      }
    })
    .meta({ description: allowed, type: 'string' });

export const callerEntry = () =>
  nameOrPattern(
    'a callerid such as choria=alice.mcollective, a pattern of the whole of it such as /choria=dba-.*/, a group, or *',
    CALLER_NAMES,
    (text): CallerEntry | undefined => {
      if (text === '*') return { kind: 'all' };
      if (isProvenName(text)) return { kind: 'exact', name: text };
      return isToken(text) ? { kind: 'group', name: text } : undefined;
    },
  );

export const nodeEntry = () =>
  nameOrPattern(
    'the identity of a node such as db1.example.net, or a pattern of the whole of it such as /db\\d+\\.example\\.net/',
    NODE_NAMES,
    (text): NodeEntry | undefined => (isIdentity(text) ? { kind: 'exact', name: text } : undefined),
  );

/** Whether a name is one of those that entries stand for. */
export interface NameSet {
  has(name: string): boolean;
}

/** Of entries without groups. */
export const nameSetOf = (entries: readonly CallerEntry[]): NameSet => {
  if (entries.some(({ kind }) => kind === 'all')) return { has: () => true };
  const exact = new Set(entries.flatMap((it) => (it.kind === 'exact' ? [it.name] : [])));
  const patterns = entries.flatMap((it) => (it.kind === 'pattern' ? [it.pattern] : []));
  return { has: (name) => exact.has(name) || patterns.some((pattern) => pattern.test(name)) };
};

/** An entry as it is written, to be compared with others. */
export const entryText = (entry: CallerEntry): string => {
  if (entry.kind === 'all') return '*';
  return entry.kind === 'pattern' ? entry.pattern.source : entry.name;
};
