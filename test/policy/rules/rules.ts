import { formatProblem } from '../../../src/config/problem.ts';
import { EMPTY_FILTER } from '../../../src/envelope/filter.ts';
import type { Question } from '../../../src/policy/evaluator.ts';
import { RulesEvaluator } from '../../../src/policy/rules/evaluator.ts';
import { type RuleSet, ruleSetOf } from '../../../src/policy/rules/rule-set.ts';
import { readRulesFile } from '../../../src/policy/rules/source.ts';

export const NOW = Date.UTC(2026, 10, 30, 12, 0);

export const questionOf = (change: Partial<Question> = {}): Question => ({
  caller: 'choria=alice.mcollective',
  as: 'cert=alice',
  agent: 'service',
  action: 'restart',
  data: new Map(),
  collective: 'mcollective',
  ingress: 'federation',
  egress: 'legacy',
  route: 'federation → legacy',
  filter: EMPTY_FILTER,
  nodes: undefined,
  isService: false,
  requestId: '0'.repeat(32),
  time: NOW,
  expires: NOW + 60_000,
  ...change,
});

/** A question of discovery. */
export const discovery = (change: Partial<Question> = {}): Question =>
  questionOf({ agent: 'discovery', action: undefined, ...change });

/** What files of rules, each by its name, are read as. */
export const ruleSet = (files: Readonly<Record<string, string>>): RuleSet => {
  const read = Object.entries(files).map(([file, text]) => readRulesFile(text, file, {}));
  const problems = read.flatMap((it) => it.problems);
  const sources = read.flatMap(({ source }) => (source === undefined ? [] : [source]));
  return problems.length > 0 ? { rules: [], groups: new Map(), problems, warnings: [] } : ruleSetOf(sources);
};

/** The problems of a file of rules, as a person reads them. */
export const problemsOf = (text: string): readonly string[] =>
  ruleSet({ 'dba.yaml': text }).problems.map(formatProblem);

export const warningsOf = (text: string): readonly string[] =>
  ruleSet({ 'dba.yaml': text }).warnings.map(formatProblem);

/** @throws where there are problems */
export const evaluatorOf = (text: string, file = 'dba.yaml'): RulesEvaluator => {
  const { rules, problems } = ruleSet({ [file]: text });
  if (problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'));
  return new RulesEvaluator(rules);
};

/** Of one rule that allows, with these words: whether it fits a request. */
export const fits = (words: string, change: Partial<Question> = {}): boolean =>
  evaluatorOf(`rules:\n  - verdict: allow\n    ${words.replaceAll('\n', '\n    ')}\n`).decide(
    questionOf(change),
  ).verdict === 'allow';
