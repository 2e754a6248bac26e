import type { Deciding, Decision, Passing, Policy } from '../envelope/decision.ts';
import type { Tally } from '../envelope/tally.ts';
import { keyOf } from './blast-radius.ts';
import type { Evaluator, Outcome, Question } from './evaluator.ts';
import { type Draw, type Limit, Limits } from './limits/limits.ts';
import type { PolicyMemory } from './memory.ts';
import { questionsOf } from './question.ts';
import { type Asked, type AskedReach, countAlone, countTogether, type Found, NO_RULE } from './reach.ts';

/** A policy of the configuration. */
export interface LoadedPolicy {
  readonly name: string;
  readonly evaluator: Evaluator;
  /** Whether it refuses nothing, and only says what it would refuse. */
  readonly isShadow: boolean;
  /** How much may be asked in a while. */
  readonly limits: readonly Limit[];
  /** What it is made of, in words: `12 rules`. */
  readonly summary: string;
  /** Whether a rule limits how many nodes one request may reach, and refuses what is more. */
  readonly countsNodes: boolean;
  /** Those that leave it to nodes, in words. */
  readonly defers: readonly string[];
}

export interface DeciderOptions {
  readonly policy: LoadedPolicy;
  readonly memory: PolicyMemory;
  /** How many nodes of a collective are known behind an egress. */
  readonly known: (egress: string, collective: string) => number;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** The strictest of all. */
const RANKS: Readonly<Record<Outcome['verdict'], number>> = { allow: 0, defer: 1, deny: 2 };

/** A request, and what was found out about it so far. */
interface Weighed {
  readonly question: Question;
  /** The strictest of all. */
  readonly outcome: Outcome;
  /** How many it reaches, in all collectives. */
  readonly nodes: number;
  readonly reaches: readonly AskedReach[];
  readonly found: Found;
}

const reasonOf = (reason: string | undefined) => (reason === undefined ? {} : { reason });

/** The policy of routes: what its rules say of a request, for all collectives that it goes to, and what it has reached so far. */
export class Decider implements Policy {
  readonly #options: DeciderOptions;
  readonly #limits: Limits;

  constructor(options: DeciderOptions) {
    this.#options = options;
    const { memory, policy } = options;
    this.#limits = new Limits({ policy: policy.name, limits: policy.limits, buckets: memory.buckets });
  }

  /** Waits only where all instances count together what it reaches; what would refuse nothing does not. */
  decide(passing: Passing): Decision | Deciding {
    const weighed = this.#weighed(passing);
    if (weighed.found.denial !== undefined) return this.#decision(weighed);
    const { memory, policy } = this.#options;
    const isShadow = policy.isShadow || weighed.reaches.every(({ limit }) => limit.isShadow);
    const { tally } = memory;
    if (tally === undefined || isShadow) return this.#admitted(weighed);
    const draw = this.#drawn(weighed);
    return draw === undefined ? this.#decision(weighed) : () => this.#counted(weighed, draw, tally);
  }

  foresee(passing: Passing): Decision {
    const weighed = this.#weighed(passing);
    if (weighed.found.denial === undefined) this.#drawn(weighed);
    return this.#decision(weighed);
  }

  /** What the rules say, and what this instance has counted. */
  #weighed(passing: Passing): Weighed {
    const { policy, memory, clock } = this.#options;
    const [first, ...others] = questionsOf(passing, clock()).map(
      (question): Asked => ({ question, outcome: policy.evaluator.decide(question) }),
    );
    if (first === undefined) throw new Error('a request is for no collective');
    const all = [first, ...others];
    const { outcome } = all.reduce((a, b) => (RANKS[b.outcome.verdict] > RANKS[a.outcome.verdict] ? b : a));
    const reaches = all.flatMap((it) => this.#reach(it));
    const found = this.#ofRules(outcome, all);
    if (found.denial === undefined) countAlone(reaches, found, memory.blastRadius);
    return { question: first.question, outcome, nodes: this.#allNodes(all), reaches, found };
  }

  /** What waits has taken from the limits by then: else a caller could have as many wait as he likes. */
  async #counted(weighed: Weighed, draw: Draw, tally: Tally): Promise<Decision> {
    const { reaches, found } = weighed;
    draw.take();
    await countTogether(reaches, found, tally);
    if (found.denial === undefined) this.#reached(reaches);
    else draw.giveBack();
    return this.#decision(weighed);
  }

  /** What would be refused takes nothing, as if it were. */
  #admitted(weighed: Weighed): Decision {
    const draw = this.#drawn(weighed);
    if (draw !== undefined) {
      this.#reached(weighed.reaches);
      draw.take();
    }
    return this.#decision(weighed);
  }

  /** @returns what it is to take from the limits; undefined where there is not as much */
  #drawn({ question, nodes, found }: Weighed): Draw | undefined {
    const draw = this.#limits.draw(question, nodes);
    if (draw.denial === undefined) return draw;
    found.denial = draw.denial;
    return undefined;
  }

  #reached(reaches: readonly AskedReach[]): void {
    for (const reach of reaches) this.#options.memory.blastRadius.add(reach);
  }

  #decision({ outcome, found }: Weighed): Decision {
    if (this.#options.policy.isShadow && found.denial !== undefined) {
      found.shadow ??= found.denial;
      delete found.denial;
    }
    const shadow = found.shadow && { shadow: found.shadow };
    if (found.denial !== undefined) return { verdict: 'deny', ...found.denial, ...shadow };
    const { verdict, rule, reason } = outcome;
    if (verdict === 'deny') return { verdict: 'allow', ...shadow };
    return { verdict, ...(rule !== undefined && { rule }), ...reasonOf(reason), ...shadow };
  }

  #ofRules({ verdict, rule, reason }: Outcome, all: readonly Asked[]): Found {
    const found: Found = {};
    const shadow = all.find((it) => it.outcome.shadow !== undefined)?.outcome.shadow;
    if (shadow !== undefined) found.shadow = { code: 'denied_by_policy', ...shadow };
    if (verdict === 'deny')
      found.denial = {
        code: 'denied_by_policy',
        rule: rule ?? NO_RULE,
        ...reasonOf(
          rule === undefined
            ? (reason ?? `no rule of the policy ${this.#options.policy.name} allows it`)
            : reason,
        ),
      };
    return found;
  }

  /** A request whose rule limits what it may reach. */
  #reach({ question, outcome }: Asked): readonly AskedReach[] {
    const { maxNodes: limit } = outcome;
    if (limit === undefined || question.action === undefined) return [];
    return [{ key: keyOf(question), question, outcome, nodes: this.#nodesOf(question), limit }];
  }

  /** Discovery reaches none: nobody would be known who did not answer it. */
  #allNodes(all: readonly Asked[]): number {
    let sum = 0;
    for (const { question } of all) if (question.action !== undefined) sum += this.#nodesOf(question);
    return sum;
  }

  /** A broadcast reaches all who are known; where none is, nobody can say how many there are. */
  #nodesOf({ nodes, isService, egress, collective }: Question): number {
    if (nodes !== undefined) return nodes.length;
    if (isService) return 1;
    return this.#options.known(egress, collective) || Number.POSITIVE_INFINITY;
  }
}
