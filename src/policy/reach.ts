import type { Denial } from '../envelope/decision.ts';
import type { Addition, Tally } from '../envelope/tally.ts';
import type { BlastRadius, Reach } from './blast-radius.ts';
import type { Outcome, Question } from './evaluator.ts';

/** A question and what the rules say to it. */
export interface Asked {
  readonly question: Question;
  readonly outcome: Outcome;
}

/** A part of a request, in one collective, whose rule limits what the whole may reach. */
export type AskedReach = Reach & Asked;

/** What stands in the way of a request, and what would, were it not in shadow mode. */
export interface Found {
  denial?: Denial;
  shadow?: Denial;
}

/** What decides where no rule does. */
export const NO_RULE = 'default';

/** As far as this instance has counted. */
export const countAlone = (reaches: readonly AskedReach[], found: Found, radius: BlastRadius): void =>
  look(reaches, found, (reach, sooner) => tooFar(reach, radius.before(reach) + sooner));

/** As all instances count, and adds it where it may go out. */
export const countTogether = async (
  reaches: readonly AskedReach[],
  found: Found,
  tally: Tally,
): Promise<void> => {
  const addition = additionOf(reaches);
  if (addition === undefined) return;
  const counted = await tally.add(addition);
  look(reaches, found, (reach, sooner) =>
    counted.result === 'unknown'
      ? `nobody knows how many nodes this request reaches by other instances: ${counted.reason}`
      : tooFar(reach, counted.before + sooner),
  );
};

/** One for the whole: all parts of a request have its key. */
const additionOf = (reaches: readonly AskedReach[]): Addition | undefined => {
  const [first] = reaches;
  if (first === undefined) return undefined;
  let amount = 0;
  let most = Number.POSITIVE_INFINITY;
  for (const { limit, nodes } of reaches) {
    amount += nodes;
    if (!limit.isShadow) most = Math.min(most, limit.most - amount);
  }
  const { time: now, expires } = first.question;
  return { key: first.key, amount, most, now, expires };
};

/** @param before what was reached before this part */
const tooFar = ({ limit, nodes, outcome }: AskedReach, before: number): string | undefined => {
  const total = before + nodes;
  if (total <= limit.most) return undefined;
  const many = Number.isFinite(total) ? `${total}` : 'nobody knows how many';
  return outcome.reason ?? `one request may reach ${limit.most} nodes, and this one would reach ${many}`;
};

/**
 * Finds the first part that must not go out.
 * @param why in words; undefined for one that may. `sooner` is what the parts before it reach
 */
const look = (
  reaches: readonly AskedReach[],
  found: Found,
  why: (reach: AskedReach, sooner: number) => string | undefined,
): void => {
  let sooner = 0;
  for (const reach of reaches) {
    const reason = why(reach, sooner);
    sooner += reach.nodes;
    if (reason === undefined) continue;
    const denial: Denial = { code: 'denied_by_policy', rule: reach.outcome.rule ?? NO_RULE, reason };
    if (!reach.limit.isShadow) {
      found.denial = denial;
      return;
    }
    found.shadow ??= denial;
  }
};
