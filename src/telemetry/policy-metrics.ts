import type { RuleCounts } from '../bridge/rule-counts.ts';
import type { Stats } from '../bridge/stats.ts';

type Values<T extends string> = () => Iterable<readonly [Record<T, string>, number]>;

type CounterOf = <T extends string>(
  name: string,
  help: string,
  labelNames: readonly T[],
  read: Values<T>,
) => void;

const byRule =
  (counts: RuleCounts): Values<'route' | 'rule'> =>
  () =>
    counts.all().map(({ route, rule, count }) => [{ route, rule }, count]);

/** What policies have said. */
export const registerPolicyMetrics = (counter: CounterOf, stats: Stats): void => {
  counter(
    'mcbridge_policy_decisions_total',
    'Requests that a policy has decided on, by what it said; those in shadow mode pass, and count as allowed',
    ['route', 'verdict'],
    () =>
      stats
        .routes()
        .filter(({ hasPolicy }) => hasPolicy)
        .flatMap(({ name: route, decisions }) =>
          Object.entries(decisions).map(([verdict, count]) => [{ route, verdict }, count] as const),
        ),
  );
  counter(
    'mcbridge_policy_refusals_total',
    'Requests that a policy has refused, by the rule that did',
    ['route', 'rule'],
    byRule(stats.denials),
  );
  counter(
    'mcbridge_policy_shadow_refusals_total',
    'Requests that a policy would have refused, were it not for shadow mode, by the rule that would have',
    ['route', 'rule'],
    byRule(stats.shadows),
  );
};
