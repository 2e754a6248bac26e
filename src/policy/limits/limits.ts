import type { Denial } from '../../envelope/decision.ts';
import type { Question } from '../evaluator.ts';
import { type NameSet, nameSetOf } from '../rules/callers.ts';
import { type Groups, withoutGroups } from '../rules/groups.ts';
import type { Buckets, Rate } from './buckets.ts';
import type { LimitConfig } from './limit-config.ts';

/** A limit of a policy. */
export interface Limit {
  /** Its place as `<file>:<line>`. */
  readonly place: string;
  readonly per: LimitConfig['per'];
  readonly callers: NameSet;
  readonly requests: Rate | undefined;
  readonly nodes: Rate | undefined;
}

const EVERYBODY: NameSet = { has: () => true };

const rateOf = (perSecond: number | undefined, burst: number | undefined): Rate | undefined =>
  perSecond === undefined ? undefined : { perSecond, burst: burst ?? Math.max(1, Math.ceil(perSecond)) };

export const limitOf = (config: LimitConfig, place: string, groups: Groups): Limit => ({
  place,
  per: config.per,
  callers: config.callers === undefined ? EVERYBODY : nameSetOf(withoutGroups(config.callers, groups)),
  requests: rateOf(config.requests_per_second, config.requests_burst),
  nodes: rateOf(config.nodes_per_second, config.nodes_burst),
});

/** Something that takes from a bucket. */
interface Part {
  readonly limit: Limit;
  readonly what: 'requests' | 'nodes';
  readonly bucket: string;
  readonly rate: Rate;
  readonly amount: number;
}

/** What a request takes from all limits that are for it. */
export interface Draw {
  /** Why it has to wait, if so. */
  readonly denial: Denial | undefined;
  take(): void;
  /** It was refused after all. */
  giveBack(): void;
}

export interface LimitsOptions {
  /** Of the policy: its buckets are its own. */
  readonly policy: string;
  readonly limits: readonly Limit[];
  readonly buckets: Buckets;
}

/** How much callers, groups and routes may ask in a while, counted by this instance. */
export class Limits {
  readonly #options: LimitsOptions;

  constructor(options: LimitsOptions) {
    this.#options = options;
  }

  /**
   * What a request takes, and why it has to wait, if so. A request takes from all limits that are for it, or from none.
   * @param nodes how many it reaches; 0 for discovery
   */
  draw(question: Question, nodes: number): Draw {
    const { buckets } = this.#options;
    const { time } = question;
    const parts = this.#parts(question, nodes);
    let denial: Denial | undefined;
    for (const part of parts) {
      const wait = buckets.wait(part.bucket, part.amount, part.rate, time);
      if (wait === 0) continue;
      denial = { code: 'rate_limited', rule: part.limit.place, reason: sentence(part, question, wait) };
      break;
    }
    const taken = parts.filter(({ amount }) => Number.isFinite(amount));
    return {
      denial,
      take: () => {
        for (const { bucket, amount, rate } of taken) buckets.take(bucket, amount, rate, time);
      },
      giveBack: () => {
        for (const { bucket, amount } of taken) buckets.giveBack(bucket, amount);
      },
    };
  }

  #parts(question: Question, nodes: number): readonly Part[] {
    const { limits, policy } = this.#options;
    return limits.flatMap((limit, index) => {
      if (!limit.callers.has(question.caller)) return [];
      const whose = { caller: `${question.ingress} ${question.caller}`, group: '', route: question.route };
      const bucket = (what: Part['what']) => `${policy} ${index} ${what} ${limit.per} ${whose[limit.per]}`;
      const part = (what: Part['what'], rate: Rate | undefined, amount: number): readonly Part[] =>
        rate === undefined || amount === 0 ? [] : [{ limit, what, bucket: bucket(what), rate, amount }];
      return [...part('requests', limit.requests, 1), ...part('nodes', limit.nodes, nodes)];
    });
  }
}

const WHO = { caller: 'this caller', group: 'this group of callers', route: 'this route' } as const;

const sentence = ({ limit, what, rate, amount }: Part, { caller }: Question, wait: number): string => {
  const whose = `${caller} asks too much: ${WHO[limit.per]} may reach`;
  const most = `${rate.perSecond} ${what} per second, and ${rate.burst} at once`;
  const said =
    what === 'nodes' ? `${whose} ${most}` : `${caller} asks too often: ${WHO[limit.per]} may make ${most}`;
  if (Number.isFinite(wait)) return `${said}; ask again in ${Math.ceil(wait / 1000)} s`;
  return Number.isFinite(amount)
    ? `${said}, and this request is for ${amount}`
    : `${said}, and nobody knows how many this request is for`;
};
