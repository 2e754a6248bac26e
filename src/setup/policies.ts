import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Place, problemAt, readFailure, textOf } from '../config/files.ts';
import { nearest } from '../config/nearest.ts';
import { formatPath, type KeyPath, type Problem } from '../config/problem.ts';
import type { Environment } from '../config/substitute.ts';
import { quoted } from '../envelope/text.ts';
import type { LoadedPolicy } from '../policy/decider.ts';
import { type Limit, limitOf } from '../policy/limits/limits.ts';
import { RulesEvaluator } from '../policy/rules/evaluator.ts';
import { type Groups, unknownGroups } from '../policy/rules/groups.ts';
import { ruleSetOf } from '../policy/rules/rule-set.ts';
import { type RuleSource, readRulesFile } from '../policy/rules/source.ts';
import type { PolicyConfig } from '../policy/section.ts';
import { readActionPolicyFolder } from './action-policy.ts';
import { Findings, shownName } from './findings.ts';
import type { Config } from './schema.ts';

/** The policies of a configuration, and what is wrong with them. */
export interface ReadPolicies {
  readonly policies: ReadonlyMap<string, LoadedPolicy>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** What tells whether files that a key names have changed, by the paths of the keys. */
  readonly written: ReadonlyMap<string, string>;
}

/** Where a configuration's keys stand, and what variables stand for. */
export interface Around extends Place {
  readonly env: Environment;
}

const fileSource = (file: string, path: KeyPath, around: Around, found: Findings): RuleSource | undefined => {
  let bytes: Buffer;
  let text: string;
  try {
    bytes = readFileSync(file);
    text = textOf(bytes);
  } catch (error) {
    found.problems.push(problemAt(around, path, `${file} cannot be read: ${readFailure(error)}`));
    return undefined;
  }
  found.written.set(formatPath(path), createHash('sha256').update(file).update(bytes).digest('base64'));
  const { source, problems } = readRulesFile(text, shownName(file, around.file), around.env);
  found.problems.push(...problems);
  return source;
};

/** What rules may name of the configuration. */
type Names = Pick<Config, 'ingresses' | 'egresses' | 'routes'>;

/** Names in rules that the configuration does not have. */
const checkNames = (
  policy: string,
  { place, below, rules }: RuleSource,
  names: Names,
  found: Findings,
): void => {
  const exported = names.routes.filter((it) => it.policy === policy).flatMap((it) => it.collectives);
  for (const [index, rule] of rules.entries()) {
    const path = [...below, 'rules', index];
    for (const word of ['ingress', 'egress'] as const) {
      const known = [...(word === 'ingress' ? names.ingresses : names.egresses).keys()];
      for (const [entry, name] of (rule[word] ?? []).entries()) {
        if (known.includes(name)) continue;
        const meant = nearest(name, known);
        const hint = meant === undefined ? '' : `; did you mean ${quoted(meant)}?`;
        found.problems.push(
          problemAt(place, [...path, word, entry], `there is no ${word} ${quoted(name)}${hint}`),
        );
      }
    }
    for (const [entry, collective] of (rule.collectives ?? []).entries())
      if (exported.length > 0 && !exported.includes(collective))
        found.warnings.push(
          problemAt(
            place,
            [...path, 'collectives', entry],
            `no route with this policy exports ${quoted(collective)}, so nothing is asked there`,
          ),
        );
  }
};

const limitsOf = (
  { limits }: PolicyConfig,
  below: KeyPath,
  groups: Groups,
  around: Around,
  found: Findings,
): readonly Limit[] =>
  limits.map((limit, index) => {
    const path = [...below, 'limits', index];
    for (const fault of unknownGroups(limit.callers ?? [], groups))
      found.problems.push(problemAt(around, [...path, 'callers', fault.index], fault.message));
    return limitOf(limit, `${around.file}:${around.at(path).line}`, groups);
  });

const rulesPolicy = (
  name: string,
  below: KeyPath,
  config: PolicyConfig,
  names: Names,
  around: Around,
  found: Findings,
): LoadedPolicy => {
  const own: RuleSource = { place: around, below, rules: config.rules ?? [], groups: config.groups };
  const files = (config.files ?? []).map((file, index) =>
    fileSource(file, [...below, 'files', index], around, found),
  );
  const isWhole = !files.includes(undefined);
  const sources = [own, ...files.filter((it) => it !== undefined)];
  for (const source of sources) checkNames(name, source, names, found);
  // Groups of a file that could not be read would all be unknown.
  const { rules, groups, problems, warnings } = ruleSetOf(sources);
  if (isWhole) found.problems.push(...problems);
  found.warnings.push(...warnings);
  return {
    name,
    evaluator: new RulesEvaluator(rules),
    isShadow: config.shadow,
    limits: isWhole ? limitsOf(config, below, groups, around, found) : [],
    countsNodes: !config.shadow && rules.some(({ outcome }) => outcome.maxNodes?.isShadow === false),
    summary: `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}`,
    defers: rules.flatMap(({ outcome, label }) => (outcome.verdict === 'defer' ? [label] : [])),
  };
};

/** Nodes are asked where a line depends on what only they know. */
const LEFT_TO_NODES = "lines that depend on a node's facts or classes";

const policyOf = (
  name: string,
  config: PolicyConfig,
  names: Names,
  around: Around,
  found: Findings,
): LoadedPolicy => {
  const { action_policy: files, shadow: isShadow } = config;
  const below = ['policies', name];
  if (files === undefined) return rulesPolicy(name, below, config, names, around, found);
  const read = readActionPolicyFolder(files, [...below, 'action_policy'], around, found);
  const { evaluator = new RulesEvaluator([]), summary = '' } = read ?? {};
  const own = { place: around, below, rules: [], groups: config.groups };
  const { groups, problems } = ruleSetOf([own]);
  found.problems.push(...problems);
  const limits = limitsOf(config, below, groups, around, found);
  return {
    name,
    evaluator,
    isShadow,
    limits,
    countsNodes: false,
    summary,
    defers: files.unknown === 'defer' ? [LEFT_TO_NODES] : [],
  };
};

/** Reads the files that policies name, and makes of each policy what decides. */
export const readPolicies = (config: Names & Pick<Config, 'policies'>, around: Around): ReadPolicies => {
  const found = new Findings();
  const used = new Set(config.routes.map(({ policy }) => policy));
  const policies = new Map(
    Object.entries(config.policies).map(([name, it]) => {
      if (!used.has(name))
        found.warnings.push(problemAt(around, ['policies', name], 'no route names this policy'));
      return [name, policyOf(name, it, config, around, found)];
    }),
  );
  return { policies, ...found };
};
