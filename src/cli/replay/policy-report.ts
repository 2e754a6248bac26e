import { createApp } from '../../app/app.ts';
import { version } from '../../app/version.ts';
import { routeName } from '../../bridge/route-ids.ts';
import { CassetteError } from '../../capture/file/problem.ts';
import { replayCassette } from '../../capture/replay/replay.ts';
import type { Decided } from '../../envelope/decision.ts';
import type { LoadedPolicy } from '../../policy/decider.ts';
import { questionsOf } from '../../policy/question.ts';
import type { LoadedConfig, RouteConfig } from '../../setup/types.ts';
import { fromRulesFile } from '../policy/subject.ts';

/** Requests that a policy would have refused, of one caller for one action by one rule. */
export interface WouldRefuse {
  readonly caller: string;
  readonly agent: string;
  /** Undefined: discovery. */
  readonly action: string | undefined;
  readonly rule: string;
  readonly reason: string | undefined;
  readonly requests: number;
}

export interface PolicyReport {
  /** Requests that the policy was asked about. */
  readonly requests: number;
  /** The most frequent first. */
  readonly refused: readonly WouldRefuse[];
  /** Routes whose requests pass as they are, so that no policy can be asked. */
  readonly unread: readonly string[];
  /** Cassettes of which nothing can be said, and why. */
  readonly unusable: readonly { readonly file: string; readonly reason: string }[];
}

/** The name of the policy within the replay, which no configuration can give to one of its own. */
const NAME = '--policy';

/** What is not translated is read only to be verified. */
const isRead = ({ identities, verify }: Pick<RouteConfig, 'identities' | 'verify'>): boolean =>
  identities.length > 0 || verify;

/** The configuration with the policy on each route that reads its requests; it refuses nothing, so that all of a cassette is asked. */
const under = (loaded: LoadedConfig, policy: LoadedPolicy): LoadedConfig => ({
  ...loaded,
  policies: new Map([[NAME, { ...policy, name: NAME, isShadow: true }]]),
  config: {
    ...loaded.config,
    routes: loaded.config.routes.map(({ policy: _, ...route }) =>
      isRead(route) ? { ...route, policy: NAME } : route,
    ),
  },
});

/** What the policy said so far. */
class Count {
  readonly #cells = new Map<string, { readonly cell: Omit<WouldRefuse, 'requests'>; requests: number }>();
  requests = 0;

  decided(decided: Decided): void {
    const { decision } = decided;
    this.requests++;
    const denial = decision.verdict === 'deny' ? decision : decision.shadow;
    if (denial === undefined) return;
    const [{ caller, agent, action }] = questionsOf(decided, 0);
    const { rule, reason } = denial;
    const key = JSON.stringify([caller, agent, action, rule]);
    const found = this.#cells.get(key) ?? { cell: { caller, agent, action, rule, reason }, requests: 0 };
    found.requests++;
    this.#cells.set(key, found);
  }

  refused(): readonly WouldRefuse[] {
    return [...this.#cells.values()]
      .map(({ cell, requests }) => ({ ...cell, requests }))
      .toSorted((a, b) => b.requests - a.requests || a.caller.localeCompare(b.caller));
  }
}

/** What of recorded traffic a policy would have refused. Cassettes are replayed one after the other. @throws the signal's reason */
export const policyReport = async (
  files: readonly string[],
  loaded: LoadedConfig,
  policy: LoadedPolicy,
  {
    throwAwayKeys,
    signal,
    onDone,
  }: {
    readonly throwAwayKeys: boolean;
    readonly signal: AbortSignal;
    readonly onDone: () => void;
  },
): Promise<PolicyReport> => {
  const count = new Count();
  const observer = { decided: (decided: Decided) => count.decided(decided) };
  const unusable: { file: string; reason: string }[] = [];
  for (const file of files) {
    try {
      const { outcome, reason } = await replayCassette(file, under(loaded, policy), {
        throwAwayKeys,
        signal,
        version: version(),
        createApp: (config, services) =>
          createApp(config, { ...services, observers: [...services.observers, observer] }),
      });
      if (outcome === 'unusable') unusable.push({ file, reason: reason ?? 'it is unusable' });
    } catch (error) {
      if (!(error instanceof CassetteError)) throw error;
      unusable.push({ file, reason: error.message });
    }
    onDone();
  }
  const unread = loaded.config.routes.filter((it) => !isRead(it)).map(({ from, to }) => routeName(from, to));
  return { requests: count.requests, refused: count.refused(), unread, unusable };
};

/** One of the configuration by its name, or a file of rules. @throws UsageError, ConfigError */
export const policyFor = (name: string, { policies }: LoadedConfig): LoadedPolicy => {
  const own = policies.get(name);
  if (own !== undefined) return own;
  const { evaluator } = fromRulesFile(name);
  return { name, evaluator, isShadow: true, countsNodes: false, summary: name, defers: [], limits: [] };
};
