import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import type { SchemaContext } from '../config/context.ts';
import { parseConfigDocument } from '../config/document.ts';
import { collectKnownKeys, describeIssue, type KnownKeys } from '../config/issues.ts';
import { ConfigError, formatPath, type KeyPath } from '../config/problem.ts';
import { withoutSecrets } from '../config/secret-leaves.ts';
import type { Environment } from '../config/substitute.ts';
import { readConfigText } from './load.ts';
import { type Outline, readOutline } from './outline.ts';
import type { LoadedConfig } from './types.ts';

/** What of a configuration is read. */
export interface Wanted<T> {
  /** Understands the whole document, and looks at the keys below `paths` only. */
  readonly schema: z.ZodType<T>;
  readonly paths: readonly KeyPath[];
  /** Keys below those that it does not look at. */
  readonly except?: readonly KeyPath[];
}

export interface LoadedParts<T> extends Pick<LoadedConfig, 'file' | 'at'> {
  readonly value: T;
}

const isBelow = (path: string, above: string): boolean =>
  path === above || path.startsWith(`${above}.`) || path.startsWith(`${above}[`);

/**
 * Reads parts of a configuration. What is wrong elsewhere in it, such as a variable that is not set for a password that is not
 * needed, is of no interest.
 * @param wanted what to read, by what the file has at all
 * @throws ConfigUnreadable where there is no such file
 * @throws ConfigError where it is not YAML, or where these parts are wrong
 */
export const loadParts = <T>(
  file: string,
  env: Environment,
  wanted: (outline: Outline, context: SchemaContext) => Wanted<T>,
): LoadedParts<T> => {
  const parsed = parseConfigDocument(readConfigText(file), file, env);
  const outline = readOutline(parsed.value);
  const folder = dirname(resolve(file));
  const {
    schema,
    paths,
    except = [],
  } = wanted(outline, {
    hostname: hostname(),
    cluster: outline.cluster ?? 'mcollective',
    hasClaims: outline.claims !== undefined,
    resolve: (path) => resolve(folder, path),
  });
  const document = withoutSecrets(parsed, schema);
  const isAmong = (path: string, keys: readonly KeyPath[]): boolean =>
    keys.some((key) => isBelow(path, formatPath(key)));
  const ofDocument = document.problems.filter(
    ({ path }) => document.value === null || (isAmong(path, paths) && !isAmong(path, except)),
  );
  if (ofDocument.length > 0) throw new ConfigError(ofDocument);
  const known: KnownKeys = new Map();
  const result = schema.safeParse(document.value, { error: collectKnownKeys(known) });
  if (!result.success)
    throw new ConfigError(result.error.issues.flatMap((issue) => describeIssue(issue, document, known)));
  return { value: result.data, file, at: document.at };
};
