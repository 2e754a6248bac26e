import { problemAt } from '../../config/files.ts';
import type { KeyPath, Problem } from '../../config/problem.ts';
import type { CallerEntry } from './callers.ts';
import { type GroupFault, type Groups, groupFaults, unknownGroups } from './groups.ts';
import { type Rule, ruleOf, type WrittenRule } from './rule.ts';
import type { RuleSource } from './source.ts';
import { unreachable } from './unreachable.ts';

/** All rules of a policy, in their order. */
export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly groups: Groups;
  readonly problems: readonly Problem[];
  /** What works and makes no sense. */
  readonly warnings: readonly Problem[];
}

/** A rule, and where it stands. */
interface Located extends WrittenRule {
  readonly source: RuleSource;
  readonly path: KeyPath;
}

const placed = ({ place }: RuleSource, path: KeyPath): string => `${place.file}:${place.at(path).line}`;

/** Of several rules in one line, all but the first are called by their column as well. */
const located = (source: RuleSource): readonly Located[] => {
  const places = new Set<string>();
  return source.rules.map((config, index) => {
    const path = [...source.below, 'rules', index];
    const line = placed(source, path);
    const place = places.has(line) ? `${line}:${source.place.at(path).column}` : line;
    places.add(place);
    return { config, id: config.name ?? place, place, source, path };
  });
};

const faultsAt = (source: RuleSource, path: KeyPath, faults: readonly GroupFault[]): readonly Problem[] =>
  faults.map(({ index, message }) => problemAt(source.place, [...path, index], message));

const listsOf = ({
  config,
}: WrittenRule): readonly (readonly ['callers' | 'as', readonly CallerEntry[]])[] => [
  ['callers', config.callers ?? []],
  ['as', config.as ?? []],
];

/** A group belongs to the policy, whichever of its files it stands in. */
const gathered = (sources: readonly RuleSource[]) => {
  const groups = new Map<string, readonly CallerEntry[]>();
  const homes = new Map<string, { readonly source: RuleSource; readonly path: KeyPath }>();
  const problems: Problem[] = [];
  for (const source of sources)
    for (const [name, entries] of Object.entries(source.groups)) {
      const path = [...source.below, 'groups', name];
      const first = homes.get(name);
      if (first === undefined) {
        homes.set(name, { source, path });
        groups.set(name, entries);
      } else
        problems.push(
          problemAt(
            source.place,
            path,
            `there is a group of this name at ${placed(first.source, first.path)} already`,
          ),
        );
    }
  for (const [name, faults] of groupFaults(groups)) {
    const home = homes.get(name);
    if (home !== undefined) problems.push(...faultsAt(home.source, home.path, faults));
  }
  return { groups, problems };
};

/** Metrics, logs and audit know a rule by its name. */
const namesakes = (rules: readonly Located[]): readonly Problem[] => {
  const homes = new Map<string, Located>();
  return rules.flatMap((rule) => {
    const first = homes.get(rule.id);
    if (first === undefined) {
      homes.set(rule.id, rule);
      return [];
    }
    const { source, path } = rule;
    return [problemAt(source.place, [...path, 'name'], `the rule at ${first.place} has this name already`)];
  });
};

/** Makes the rules of all sources one list, and says what is wrong between them. */
export const ruleSetOf = (sources: readonly RuleSource[]): RuleSet => {
  const { groups, problems: ofGroups } = gathered(sources);
  const written = sources.flatMap(located);
  const ofLists = written.flatMap((rule) =>
    listsOf(rule).flatMap(([word, entries]) =>
      faultsAt(rule.source, [...rule.path, word], unknownGroups(entries, groups)),
    ),
  );
  const problems = [...ofGroups, ...ofLists, ...namesakes(written)];
  if (problems.length > 0) return { rules: [], groups, problems, warnings: [] };
  const warnings = unreachable(written, groups).map(({ rule: { source, path }, behind }) =>
    problemAt(
      source.place,
      path,
      `nothing reaches this rule: ${behind.id} fits all that it fits, and comes before`,
    ),
  );
  return { rules: written.map((rule) => ruleOf(rule, groups)), groups, problems, warnings };
};
