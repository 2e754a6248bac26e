import { z } from 'zod';
import { hintFor } from './counterparts.ts';
import { A_LIST, type ConfigDocument, NOTHING } from './document.ts';
import { nearest } from './nearest.ts';
import { formatPath, type KeyPath, type Problem } from './problem.ts';

/** What a schema takes at a place where there is something else. */
interface Wanted {
  /** Of a section, or of each section in a list. */
  readonly keys?: readonly string[];
  /** What an entry of a list may be. */
  readonly entry?: string | undefined;
}

/** What is wanted where an unknown key was found, or something of another shape, by path. */
export type KnownKeys = Map<string, Wanted>;

/** What a transformation begins with. */
const withinPipes = (schema: unknown): unknown =>
  schema instanceof z.ZodPipe ? withinPipes(schema.in) : schema;

/** Old names are read, and not recommended. */
const isOldName = (schema: unknown): boolean =>
  schema instanceof z.ZodType && schema.meta()?.deprecated === true;

const wantedBy = (schema: unknown): Wanted => {
  if (schema instanceof z.ZodObject) {
    const { shape } = schema;
    return { keys: Object.keys(shape).filter((key) => !isOldName(shape[key])) };
  }
  if (!(schema instanceof z.ZodArray)) return {};
  const { element } = schema;
  const { keys } = wantedBy(withinPipes(element));
  return keys === undefined
    ? { entry: element instanceof z.ZodType ? element.description : undefined }
    : { keys };
};

/** Zod names unknown keys but not the known ones; at the moment of the error its schema is still at hand. */
export const collectKnownKeys =
  (known: KnownKeys): z.core.$ZodErrorMap =>
  (issue) => {
    if (issue.code === 'unrecognized_keys' || issue.code === 'invalid_type')
      known.set(JSON.stringify(issue.path ?? []), wantedBy(issue.inst));
    return undefined;
  };

/** Text that may stand in a list as it is. */
const ENTRY = /^"([\w.:+/=-]+)"$/;

/** A list as it would be written, of what stands in its place. */
const listFrom = (shown: string, { keys: [key] = [], entry }: Wanted): string => {
  if (key !== undefined) return `a list, each entry of which begins with "- ", such as "- ${key}: …"`;
  const given = ENTRY.exec(shown)?.[1];
  if (given !== undefined) return `a list: [${given}]`;
  if (/^[\d.]+$/.test(shown)) return `a list: ["${shown}"]`;
  return `a list: [one, two]${entry === undefined ? '' : `, of which each is ${entry}`}`;
};

const sectionFrom = (shown: string, keys: readonly string[] | undefined): string => {
  const dashes = shown === A_LIST ? ', without "- "' : '';
  return `a section with keys${dashes}: ${keys === undefined ? 'a name for each entry, such as main' : keys.join(', ')}`;
};

const keyPath = (path: readonly PropertyKey[]): KeyPath =>
  path.map((segment) => (typeof segment === 'number' ? segment : String(segment)));

const param = (issue: z.core.$ZodIssue, name: string): unknown =>
  issue.code === 'custom' ? issue.params?.[name] : undefined;

/** What the schema of a map's keys says that they may be. */
const keyAllowed = ([issue]: readonly z.core.$ZodIssue[]): string | undefined => {
  const allowed = issue && param(issue, 'allowed');
  return typeof allowed === 'string' ? allowed : undefined;
};

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
    ...(shown === NOTHING ? document.keyAt(path) : document.at(path)),
    path: formatPath(path),
    message,
    ...(allowed === undefined ? {} : { allowed }),
  });
  const nothing = document.has(path) ? 'has no value' : 'is missing';
  const refused = (allowed: string): readonly Problem[] => [
    problem(shown === NOTHING ? nothing : `${shown} is not allowed`, allowed),
  ];

  if (issue.code === 'unrecognized_keys') {
    const keys = known.get(JSON.stringify(issue.path))?.keys ?? [];
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
        ...problem('is not allowed as a name', keyAllowed(issue.issues) ?? 'letters, digits, "_" and "-"'),
        ...document.keyAt(path),
      },
    ];
  if (issue.code === 'too_small') return [problem('has no entry', 'at least one entry')];
  if (issue.code === 'invalid_type') {
    const wanted = known.get(JSON.stringify(issue.path)) ?? {};
    if (issue.expected === 'array') return refused(listFrom(shown, wanted));
    // Which keys an ingress or egress has depends on its type.
    return refused(sectionFrom(shown, issue.expected === 'record' ? undefined : (wanted.keys ?? ['type'])));
  }
  const allowed = param(issue, 'allowed');
  if (param(issue, 'sentence') === true)
    return [problem(issue.message, typeof allowed === 'string' ? allowed : undefined)];
  const reason = param(issue, 'reason');
  if (typeof reason === 'string')
    return [problem(`${shown} is not allowed: ${reason}`, typeof allowed === 'string' ? allowed : undefined)];
  return refused(typeof allowed === 'string' ? allowed : issue.message);
};
