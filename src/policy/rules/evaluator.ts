import { LRUCache } from 'lru-cache';
import type { Evaluator, Explained, Outcome, PassedOver, Question, ShadowOutcome } from '../evaluator.ts';
import type { Rule } from './rule.ts';

/** What callers asked of late is remembered up to so many bytes in all; strangers' names only where they are short. */
const MAX_REMEMBERED_BYTES = 8 * 1024 ** 2;
const MAX_KEY_CHARS = 600;
/** What an entry takes beside its key and its list. */
const ENTRY_BYTES = 200;
const RULE_BYTES = 8;
const CHAR_BYTES = 2;

const DENIED: Outcome = { verdict: 'deny' };
/** Discovery is allowed unless a rule says otherwise. */
const DISCOVERY_ALLOWED: Outcome = { verdict: 'allow' };

const failing = ({ lasting, others }: Rule, question: Question) =>
  lasting.find((it) => !it.holds(question)) ?? others.find((it) => !it.holds(question));

const shadowOf = ({ outcome, id }: Rule): ShadowOutcome => ({
  rule: id,
  ...(outcome.reason !== undefined && { reason: outcome.reason }),
});

const withShadow = (outcome: Outcome, shadow: ShadowOutcome | undefined): Outcome =>
  shadow === undefined ? outcome : { ...outcome, shadow };

/**
 * Rules of which the first that fits decides. Which of them fit a caller, an agent and an action is found out once, and
 * remembered: patterns are not run for each request.
 */
export class RulesEvaluator implements Evaluator {
  readonly #forActions: readonly Rule[];
  readonly #forDiscovery: readonly Rule[];
  readonly #remembered = new LRUCache<string, readonly Rule[]>({
    maxSize: MAX_REMEMBERED_BYTES,
    sizeCalculation: ({ length }, key) => ENTRY_BYTES + length * RULE_BYTES + key.length * CHAR_BYTES,
  });

  constructor(rules: readonly Rule[]) {
    this.#forActions = rules.filter(({ isDiscovery }) => !isDiscovery);
    this.#forDiscovery = rules.filter(({ isDiscovery }) => isDiscovery);
  }

  decide(question: Question): Outcome {
    let shadow: ShadowOutcome | undefined;
    for (const rule of this.#candidates(question)) {
      if (rule.others.some((it) => !it.holds(question))) continue;
      if (!rule.isShadow) return withShadow(rule.outcome, shadow);
      shadow ??= shadowOf(rule);
    }
    return withShadow(this.#otherwise(question), shadow);
  }

  explain(question: Question): Explained {
    const passed: PassedOver[] = [];
    let shadow: ShadowOutcome | undefined;
    for (const rule of this.#rulesFor(question)) {
      const failed = failing(rule, question);
      if (failed === undefined && !rule.isShadow) return { ...withShadow(rule.outcome, shadow), passed };
      if (failed === undefined) shadow ??= shadowOf(rule);
      const why = failed?.why(question) ?? 'it would deny, and is in shadow mode';
      passed.push({ rule: rule.label, why });
    }
    return { ...withShadow(this.#otherwise(question), shadow), passed };
  }

  #rulesFor({ action }: Question): readonly Rule[] {
    return action === undefined ? this.#forDiscovery : this.#forActions;
  }

  #otherwise({ action }: Question): Outcome {
    return action === undefined ? DISCOVERY_ALLOWED : DENIED;
  }

  #candidates(question: Question): readonly Rule[] {
    const { caller, as, agent, action } = question;
    const key = `${caller.length} ${as.length} ${agent.length} ${caller}${as}${agent}${action === undefined ? '' : `.${action}`}`;
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const found = this.#rulesFor(question).filter(({ lasting }) => lasting.every((it) => it.holds(question)));
    if (key.length <= MAX_KEY_CHARS) this.#remembered.set(key, found);
    return found;
  }
}
