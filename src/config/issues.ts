import { z } from 'zod';
import { hintFor } from './counterparts.ts';
import type { ConfigDocument } from './document.ts';
import { nearest } from './nearest.ts';
import { formatPath, type KeyPath, type Problem } from './problem.ts';

/** The keys of every section in which an unknown one was found, by the section's path. */
export type KnownKeys = Map<string, readonly string[]>;

/** Zod names unknown keys but not the known ones; at the moment of the error its schema is still at hand. */
export const collectKnownKeys =
  (known: KnownKeys): z.core.$ZodErrorMap =>
  (issue) => {
    if (issue.code === 'unrecognized_keys' && issue.inst instanceof z.ZodObject)
      known.set(JSON.stringify(issue.path ?? []), Object.keys(issue.inst.shape));
    return undefined;
  };

const EXPECTED: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a section with keys',
  record: 'a section with keys',
};

const keyPath = (path: readonly PropertyKey[]): KeyPath =>
  path.map((segment) => (typeof segment === 'number' ? segment : String(segment)));

const param = (issue: z.core.$ZodIssue, name: string): unknown =>
  issue.code === 'custom' ? issue.params?.[name] : undefined;

/** One of zod's issues in this program's words, at its place in the file. */
export const describeIssue = (
  issue: z.core.$ZodIssue,
  document: ConfigDocument,
  known: KnownKeys,
): readonly Problem[] => {
  const path = keyPath(issue.path);
  const shown = document.show(path);
  const problem = (message: string, allowed?: string): Problem => ({
    file: document.file,
    ...(shown === 'nothing' ? document.keyAt(path) : document.at(path)),
    path: formatPath(path),
    message,
    ...(allowed === undefined ? {} : { allowed }),
  });
  const refused = (allowed: string): readonly Problem[] => [
    problem(shown === 'nothing' ? 'is missing' : `${shown} is not allowed`, allowed),
  ];

  if (issue.code === 'unrecognized_keys') {
    const keys = known.get(JSON.stringify(issue.path)) ?? [];
    return issue.keys.map((key) => {
      const meant = nearest(key, keys);
      const hint = hintFor(key, keys) ?? (meant === undefined ? undefined : `did you mean "${meant}"?`);
      return {
        file: document.file,
        ...document.keyAt([...path, key]),
        path: formatPath([...path, key]),
        message: `unknown key${hint === undefined ? '' : `; ${hint}`}`,
        allowed: keys.join(', '),
      };
    });
  }
  if (issue.code === 'invalid_union') {
    const options = 'options' in issue && Array.isArray(issue.options) ? issue.options : [];
    return refused(options.map((option) => JSON.stringify(option)).join(', '));
  }
  if (issue.code === 'invalid_key')
    return [
      {
        ...problem('is not allowed as a name', 'letters, digits, "_" and "-"'),
        ...document.keyAt(path),
      },
    ];
  if (issue.code === 'too_small') return [problem('has no entry', 'at least one entry')];
  if (issue.code === 'invalid_type') return refused(EXPECTED[issue.expected] ?? issue.expected);
  const allowed = param(issue, 'allowed');
  if (param(issue, 'sentence') === true)
    return [problem(issue.message, typeof allowed === 'string' ? allowed : undefined)];
  const reason = param(issue, 'reason');
  if (typeof reason === 'string')
    return [problem(`${shown} is not allowed: ${reason}`, typeof allowed === 'string' ? allowed : undefined)];
  return refused(typeof allowed === 'string' ? allowed : issue.message);
};
