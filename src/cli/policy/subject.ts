import { routeName } from '../../bridge/route-ids.ts';
import { readFailure } from '../../config/files.ts';
import { ConfigError } from '../../config/problem.ts';
import { quoted } from '../../envelope/text.ts';
import { DIALECTS, type DialectName } from '../../policy/action-policy/dialects.ts';
import { type PolicyFiles, readPolicyFolder } from '../../policy/action-policy/files.ts';
import { type FileProblem, readActionPolicy } from '../../policy/action-policy/read.ts';
import type { Evaluator } from '../../policy/evaluator.ts';
import { RulesEvaluator } from '../../policy/rules/evaluator.ts';
import { ruleSetOf } from '../../policy/rules/rule-set.ts';
import { readRulesFile } from '../../policy/rules/source.ts';
import { loadWithAdapters } from '../../setup/load-registry.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { readText } from '../files.ts';
import { UsageError } from '../usage.ts';

/** Which policy is asked, in the words of the command line. */
export interface SubjectOptions {
  readonly config?: string | undefined;
  /** One of the configuration; without one, a file of rules. */
  readonly policy?: string | undefined;
  readonly route?: string | undefined;
  readonly folder?: string | undefined;
  readonly dialect?: DialectName | undefined;
  readonly allowUnconfigured?: boolean | undefined;
  readonly enableDefault?: boolean | undefined;
  readonly defaultName?: string | undefined;
  readonly unknown?: 'defer' | 'deny' | undefined;
}

/** A policy to be asked. */
export interface Subject {
  /** As sentences name it. */
  readonly name: string;
  readonly evaluator: Evaluator;
  /** Where it is of one route alone: by what its requests come and go. */
  readonly route?: { readonly ingress: string; readonly egress: string } | undefined;
  /** What its files have that the originals pass over in silence. */
  readonly remarks: readonly FileProblem[];
}

export const DIALECT_NAMES = Object.keys(DIALECTS).filter((name): name is DialectName => name in DIALECTS);

/** The one that most nodes of today have. */
export const [USUAL_DIALECT] = DIALECT_NAMES;

/** @throws UsageError */
export const folderFiles = (folder: string): PolicyFiles => {
  try {
    return readPolicyFolder(folder);
  } catch (error) {
    throw new UsageError(`${folder} cannot be read: ${readFailure(error)}`);
  }
};

const fromFolder = (folder: string, options: SubjectOptions): Subject => {
  const { dialect = USUAL_DIALECT, allowUnconfigured, enableDefault, defaultName, unknown } = options;
  if (dialect === undefined) throw new UsageError('--dialect is needed');
  const { evaluator, warnings } = readActionPolicy(
    {
      folder,
      dialect,
      strict: false,
      allowUnconfigured: allowUnconfigured === true,
      enableDefault: enableDefault === true,
      ...(defaultName !== undefined && { defaultName }),
      ...(unknown !== undefined && { unknown }),
    },
    folderFiles(folder),
  );
  return { name: `${folder} (${dialect})`, evaluator, remarks: warnings };
};

/** @throws ConfigError, UsageError */
export const fromRulesFile = (file: string): Subject => {
  const text = readText(file);
  const { source, problems } = readRulesFile(text, file, process.env);
  if (source === undefined) throw new ConfigError(problems);
  const set = ruleSetOf([source]);
  if (set.problems.length > 0) throw new ConfigError(set.problems);
  return { name: file, evaluator: new RulesEvaluator(set.rules), remarks: [] };
};

type Named = LoadedConfig['policies'] extends ReadonlyMap<string, infer Policy> ? Policy : never;

const policyOf = ({ policies }: LoadedConfig, name: string, file: string): Named => {
  const found = policies.get(name);
  if (found !== undefined) return found;
  const known = [...policies.keys()];
  const others = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
  throw new UsageError(`${file} has no policy ${quoted(name)}; ${others}`);
};

/** A route is named as logs name it, or by both ends with anything between them. */
const routeOf = ({ config }: LoadedConfig, name: string, file: string) => {
  const ends = name.split(/→|->/).map((end) => end.trim());
  const found = config.routes.find(({ from, to }) => ends.length === 2 && from === ends[0] && to === ends[1]);
  if (found !== undefined) return found;
  const known = config.routes.map(({ from, to }) => `"${from} -> ${to}"`);
  throw new UsageError(`${file} has no route ${quoted(name)}; it has ${known.join(', ')}`);
};

const fromConfig = async (file: string, { policy, route }: SubjectOptions): Promise<Subject> => {
  const loaded = await loadWithAdapters(file, process.env);
  if (route !== undefined) {
    const { from: ingress, to: egress, policy: name } = routeOf(loaded, route, file);
    if (name === undefined)
      throw new UsageError(`the route ${routeName(ingress, egress)} has no policy: all is allowed there`);
    return { ...named(policyOf(loaded, policy ?? name, file)), route: { ingress, egress } };
  }
  const [only, ...others] = loaded.policies.keys();
  const name = policy ?? only;
  if (name === undefined) throw new UsageError(`${file} has no policies`);
  if (policy === undefined && others.length > 0)
    throw new UsageError(
      `${file} has several policies: give --policy ${[...loaded.policies.keys()].join('|')}, or --route`,
    );
  return named(policyOf(loaded, name, file));
};

const named = ({ name, evaluator }: Named): Subject => ({ name, evaluator, remarks: [] });

/** @throws UsageError, ConfigError, ConfigUnreadable */
export const subjectFrom = async (options: SubjectOptions): Promise<Subject> => {
  const { config, policy, route, folder } = options;
  if (folder !== undefined && (config ?? policy ?? route) !== undefined)
    throw new UsageError('--folder is a policy by itself: leave out --config, --policy and --route');
  if (folder !== undefined) return fromFolder(folder, options);
  if (config !== undefined) return fromConfig(config, options);
  if (policy !== undefined && route === undefined) return fromRulesFile(policy);
  throw new UsageError('which policy? Give --folder, --policy with a file of rules, or --config');
};
