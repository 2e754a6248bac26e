import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { MaxNodes, Question } from './evaluator.ts';

/** What a request has reached. */
interface Reached {
  readonly nodes: number;
  /** When its ttl ends, in ms since the epoch. */
  readonly expires: number;
}

/** Of each of them a hash is kept, and two numbers; of more than these the one that was asked longest ago is forgotten. */
const MAX_REQUESTS = 50_000;

/** One request, as its caller has named it. The names may be long, and are strangers'. */
export const keyOf = ({ ingress, caller, agent, action, requestId }: Question): string =>
  createHash('sha256')
    .update(JSON.stringify([ingress, caller, agent, action, requestId]))
    .digest('base64url');

/** Something that is asked for, within a limit. */
export interface Reach {
  /** Of its request: {@link keyOf}. */
  readonly key: string;
  readonly question: Question;
  /** How many nodes it reaches; infinite where nobody knows. */
  readonly nodes: number;
  readonly limit: MaxNodes;
}

/**
 * How many nodes requests have reached, over all of their messages: clients send one message to each node, or to two hundred.
 * It is counted by this instance, within the ttl of the request, and goes on when the configuration changes.
 */
export class BlastRadius {
  readonly #reached: LRUCache<string, Reached>;

  constructor({ requests = MAX_REQUESTS }: { readonly requests?: number } = {}) {
    this.#reached = new LRUCache({ max: requests });
  }

  /** How many its request has reached before it. */
  before({ key, question }: Reach): number {
    const before = this.#reached.get(key);
    return before !== undefined && before.expires > question.time ? before.nodes : 0;
  }

  /** It goes out. */
  add(reach: Reach): void {
    const { key, question, nodes } = reach;
    this.#reached.set(key, { nodes: this.before(reach) + nodes, expires: question.expires });
  }
}
