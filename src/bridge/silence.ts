import type { EgressSilence } from '../envelope/observer.ts';

export interface SilenceOptions {
  readonly tell: (silence: EgressSilence) => void;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** Where nothing comes back from, and what an operator may look at. */
export interface Quarter {
  readonly name: string;
  readonly silence?: string;
}

interface Watch {
  timer: NodeJS.Timeout | undefined;
  asked: number;
  heard: number;
  told: number;
}

/** A request waits for so long before its silence is one, and at most half its life. In ms. */
const PATIENCE = 10_000;
/** Who has been heard so lately is there, and a line is written no more often. In ms. */
const LATELY = 60_000;

/**
 * Says, while somebody still waits, that nothing comes back from an egress. Nodes that cannot read what they get (another
 * serializer, a key that they do not have) say so in their own logs, and to the bridge nothing.
 */
export class Silence {
  readonly #options: SilenceOptions;
  /** By the names of egresses. */
  readonly #watched = new Map<string, Watch>();

  constructor(options: SilenceOptions) {
    this.#options = options;
  }

  /** @param expires ms since the epoch when the request's ttl ends */
  asked(quarter: Quarter, expires: number): void {
    const now = this.#options.clock();
    const watch = this.#watchOf(quarter.name);
    watch.asked++;
    if (watch.timer !== undefined || now - Math.max(watch.heard, watch.told) < LATELY) return;
    const wait = Math.max(0, Math.min(PATIENCE, (expires - now) / 2));
    watch.timer = setTimeout(() => this.#tell(quarter, watch, wait), wait).unref();
  }

  heard({ name }: Quarter): void {
    const watch = this.#watchOf(name);
    clearTimeout(watch.timer);
    watch.timer = undefined;
    watch.asked = 0;
    watch.heard = this.#options.clock();
  }

  stop(): void {
    for (const { timer } of this.#watched.values()) clearTimeout(timer);
    this.#watched.clear();
  }

  #tell({ name, silence }: Quarter, watch: Watch, wait: number): void {
    watch.timer = undefined;
    watch.told = this.#options.clock();
    this.#options.tell({
      egress: name,
      requests: watch.asked,
      wait,
      ...(silence !== undefined && { hint: silence }),
    });
    watch.asked = 0;
  }

  #watchOf(name: string): Watch {
    const known = this.#watched.get(name);
    if (known !== undefined) return known;
    const watch = {
      timer: undefined,
      asked: 0,
      heard: Number.NEGATIVE_INFINITY,
      told: Number.NEGATIVE_INFINITY,
    };
    this.#watched.set(name, watch);
    return watch;
  }
}
