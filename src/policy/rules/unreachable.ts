import type { Pattern } from '../../envelope/pattern.ts';
import { type CallerEntry, entryText } from './callers.ts';
import { type Groups, withoutGroups } from './groups.ts';
import type { WrittenRule } from './rule.ts';
import type { AgentEntry, RuleConfig } from './rule-config.ts';

/** Callers without groups. */
interface Callers {
  readonly entries: readonly CallerEntry[];
  readonly texts: ReadonlySet<string>;
  readonly patterns: readonly Pattern[];
}

/** A rule as it is compared. */
interface Compared {
  readonly config: RuleConfig;
  readonly callers: Callers | undefined;
  readonly as: Callers | undefined;
}

const callersOf = (written: readonly CallerEntry[] | undefined, groups: Groups): Callers | undefined => {
  if (written === undefined) return undefined;
  const entries = withoutGroups(written, groups);
  return {
    entries,
    texts: new Set(entries.map(entryText)),
    patterns: entries.flatMap((it) => (it.kind === 'pattern' ? [it.pattern] : [])),
  };
};

/** Whether the first fits every caller whom the second fits, as far as that can be told without solving patterns. */
const coversCallers = (first: Callers | undefined, second: Callers | undefined): boolean => {
  if (first === undefined || first.texts.has('*')) return true;
  if (second === undefined) return false;
  return second.entries.every(
    (entry) =>
      first.texts.has(entryText(entry)) ||
      (entry.kind === 'exact' && first.patterns.some((pattern) => pattern.test(entry.name))),
  );
};

const coversNames = (first: readonly string[] | undefined, second: readonly string[] | undefined): boolean =>
  first === undefined || second?.every((name) => first.includes(name)) === true;

const coversAgents = (
  first: readonly AgentEntry[] | undefined,
  second: readonly AgentEntry[] | undefined,
): boolean =>
  first === undefined ||
  second?.every(({ agent, action }) =>
    first.some((it) => it.agent === agent && (it.action === undefined || it.action === action)),
  ) === true;

/** Conditions that are not understood here: the same words are the same. */
const coversOther = (first: unknown, second: unknown): boolean =>
  first === undefined || JSON.stringify(first) === JSON.stringify(second);

/** What is quickly told comes first. */
const covers = ({ config: first, ...before }: Compared, { config: second, ...after }: Compared): boolean =>
  first.discovery === second.discovery &&
  coversAgents(first.agents, second.agents) &&
  coversNames(first.collectives, second.collectives) &&
  coversNames(first.ingress, second.ingress) &&
  coversNames(first.egress, second.egress) &&
  coversOther(first.requires, second.requires) &&
  coversOther(first.windows, second.windows) &&
  coversOther(first.inputs, second.inputs) &&
  coversNames(first.nodes?.map(entryText), second.nodes?.map(entryText)) &&
  coversCallers(before.callers, after.callers) &&
  coversCallers(before.as, after.as);

/** What is in shadow mode decides nothing. */
const decides = ({ shadow, verdict }: RuleConfig): boolean => !(shadow && verdict === 'deny');

/** Each is compared with each before it: of many thousands that would take minutes. */
const MAX_COMPARED_RULES = 1000;

/** Rules that nothing can reach, each with one before it that fits all that it fits. */
export const unreachable = <T extends WrittenRule>(
  rules: readonly T[],
  groups: Groups,
): readonly { readonly rule: T; readonly behind: T }[] => {
  const compared = rules.slice(0, MAX_COMPARED_RULES).map((rule) => {
    const { callers, as } = rule.config;
    return { rule, config: rule.config, callers: callersOf(callers, groups), as: callersOf(as, groups) };
  });
  return compared.flatMap((it, index) => {
    const behind = compared.slice(0, index).find((first) => decides(first.config) && covers(first, it));
    return behind === undefined ? [] : [{ rule: it.rule, behind: behind.rule }];
  });
};
