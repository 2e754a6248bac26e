import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { AdapterFault } from '../adapters/adapter-fault.ts';
import type { Registry } from '../adapters/registry.ts';
import type { SchemaContext } from '../config/context.ts';
import { type ConfigDocument, parseConfigDocument } from '../config/document.ts';
import { fileProblem, readFailure, textOf } from '../config/files.ts';
import { collectKnownKeys, describeIssue, type KnownKeys } from '../config/issues.ts';
import { ConfigError, ConfigUnreadable, type Problem } from '../config/problem.ts';
import { withoutSecrets } from '../config/secret-leaves.ts';
import type { Environment } from '../config/substitute.ts';
import { writtenIn } from './changes.ts';
import { crossCheck, type Outline, readOutline } from './outline.ts';
import { pageProblems } from './page-login.ts';
import { readPolicies } from './policies.ts';
import { renamedKeys } from './renamed.ts';
import { configSchema } from './schema.ts';
import type { LoadedConfig } from './types.ts';

/**
 * Reads, checks and completes a configuration.
 * @param env what `${NAME}` stands for
 * @param registry the types that entries can be of, as `loadRegistry` gives them
 * @throws ConfigUnreadable where there is no such file
 * @throws ConfigError with every problem of the file
 */
export const loadConfig = (file: string, env: Environment, registry: Registry): LoadedConfig =>
  parseConfig(readConfigText(file), file, env, registry);

/** @throws ConfigUnreadable */
export const readConfigText = (file: string): string => {
  try {
    return textOf(readFileSync(file));
  } catch (error) {
    throw new ConfigUnreadable(file, readFailure(error), { cause: error });
  }
};

/** {@link loadConfig} of a text that is already there; `file` is for messages and for what paths are relative to. */
export const parseConfig = (
  text: string,
  file: string,
  env: Environment,
  registry: Registry,
): LoadedConfig => {
  const parsed = parseConfigDocument(text, file, env);
  if (parsed.value === null && parsed.problems.length > 0) throw new ConfigError(parsed.problems);

  const outline = readOutline(parsed.value);
  const folder = dirname(resolve(file));
  const context: SchemaContext = {
    hostname: hostname(),
    cluster: outline.cluster ?? 'mcollective',
    hasClaims: outline.claims !== undefined,
    resolve: (path) => resolve(folder, path),
  };
  try {
    return completed(parsed, outline, context, registry, env);
  } catch (error) {
    if (!(error instanceof AdapterFault)) throw error;
    const { path, message } = error;
    throw fileProblem({ file, at: (key) => parsed.at(key) }, path, message, error);
  }
};

const completed = (
  parsed: ConfigDocument,
  outline: Outline,
  context: SchemaContext,
  registry: Registry,
  env: Environment,
): LoadedConfig => {
  const { file } = parsed;
  const schema = configSchema(context, registry);
  const document = withoutSecrets(parsed, schema);
  const known: KnownKeys = new Map();
  const result = schema.safeParse(document.value ?? {}, { error: collectKnownKeys(known) });
  const issues = result.error?.issues ?? [];
  // What cannot be put in leaves a gap, and what the schema says of the gap is not news.
  const gaps = document.problems.map(({ path }) => path);
  const inGap = ({ path }: Problem): boolean =>
    gaps.some((gap) => path === gap || path.startsWith(`${gap}.`) || path.startsWith(`${gap}[`));
  const problems = [
    ...document.problems,
    ...distinct([
      ...issues.flatMap((issue) => describeIssue(issue, document, known)),
      ...crossCheck(outline, document, registry),
    ]).filter((problem) => !inGap(problem)),
  ].toSorted((a, b) => a.line - b.line || a.column - b.column);
  if (!result.success || problems.length > 0) throw new ConfigError(problems);
  const { policies, ...read } = readPolicies(result.data, { file, at: document.at, env });
  const beside = [...read.problems, ...pageProblems(result.data, { file, at: document.at })];
  if (beside.length > 0) throw new ConfigError(beside);
  return {
    config: result.data,
    file,
    at: document.at,
    registry,
    written: new Map([...writtenIn(document.value), ...read.written]),
    policies,
    warnings: [...renamedKeys(outline, document), ...read.warnings],
  };
};

/** One problem a key is enough: that a collective's name is wrong, not also that it is there twice. */
const distinct = (problems: readonly Problem[]): readonly Problem[] => {
  const seen = new Set<string>();
  return problems.filter(({ path }) => {
    const first = !seen.has(path);
    seen.add(path);
    return first;
  });
};
