import type { NodesSilence } from '../envelope/observer.ts';
import { own } from '../envelope/text.ts';

export interface SilentNodesOptions {
  readonly tell: (silence: NodesSilence) => void;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** Requests to one node since its last answer. */
interface Waiting {
  unanswered: number;
  /** Ms since the epoch when the ttl of the last of them ended. */
  last: number;
}

interface Watch {
  readonly waiting: Map<string, Waiting>;
  /** Ms since the epoch. */
  heard: number;
  told: number;
}

/** A node that has left so many requests in a row without an answer is silent. Less may be one that other instances hear. */
const MIN_UNANSWERED = 10;
/** Nodes of a route that are counted at once; a name may be of a node that there is not. */
const MAX_NODES = 5_000;
/** Who is not asked any more is of no interest after so long. In ms. */
const FORGET_AFTER_MS = 3_600_000;
/** How often the same route is reported, in ms. */
const WARNING_INTERVAL_MS = 600_000;
const MAX_NAMED_NODES = 10;

/** Nodes of which this instance hears nothing, request after request, while it hears others of the same route. */
export class SilentNodes {
  readonly #options: SilentNodesOptions;
  /** By the names of routes. */
  readonly #watched = new Map<string, Watch>();

  constructor(options: SilentNodesOptions) {
    this.#options = options;
  }

  /** @param node who answered, where the reply says so */
  heard(route: string, node: string | undefined): void {
    const watch = this.#watchOf(route);
    watch.heard = this.#options.clock();
    if (node !== undefined) watch.waiting.delete(node);
  }

  /**
   * The ttl of a request has ended without an answer of these nodes.
   * @param since ms since the epoch when it was asked
   */
  unanswered(route: string, nodes: readonly string[], since: number): void {
    const watch = this.#watchOf(route);
    // Where no node answers, the nodes are not the cause.
    if (watch.heard < since) return;
    const now = this.#options.clock();
    for (const node of nodes) {
      const unanswered = (watch.waiting.get(node)?.unanswered ?? 0) + 1;
      watch.waiting.delete(node);
      watch.waiting.set(own(node), { unanswered, last: now });
    }
    for (const oldest of watch.waiting.keys()) {
      if (watch.waiting.size <= MAX_NODES) break;
      watch.waiting.delete(oldest);
    }
    this.#tell(route, watch, now);
  }

  /** How many there are. */
  count(route: string): number {
    return silentIn(this.#watchOf(route), this.#options.clock()).length;
  }

  #tell(route: string, watch: Watch, now: number): void {
    if (now - watch.told < WARNING_INTERVAL_MS) return;
    const silent = silentIn(watch, now);
    if (silent.length === 0) return;
    watch.told = now;
    this.#options.tell({
      route,
      silent: silent.length,
      nodes: silent.slice(0, MAX_NAMED_NODES),
      requests: MIN_UNANSWERED,
    });
  }

  #watchOf(route: string): Watch {
    const known = this.#watched.get(route);
    if (known !== undefined) return known;
    const watch = {
      waiting: new Map<string, Waiting>(),
      heard: Number.NEGATIVE_INFINITY,
      told: Number.NEGATIVE_INFINITY,
    };
    this.#watched.set(route, watch);
    return watch;
  }
}

const silentIn = ({ waiting }: Watch, now: number): readonly string[] =>
  [...waiting].flatMap(([node, { unanswered, last }]) =>
    unanswered >= MIN_UNANSWERED && now - last < FORGET_AFTER_MS ? [node] : [],
  );
