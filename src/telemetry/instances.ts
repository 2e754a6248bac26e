import type { StatsDocument } from '../adapters/choria/wire/stats.ts';
import { own } from '../envelope/text.ts';

export interface InstancesOptions {
  /** This one's name, of which it hears too. */
  readonly instance: string;
  /** Ms between what each says of itself. */
  readonly interval: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

/** What another instance has said of itself last. */
export interface OtherInstance {
  readonly instance: string;
  /** Ms since the epoch. */
  readonly heard: number;
  /** Undefined where it was not said. */
  readonly said: Said | undefined;
}

export interface Said {
  readonly version: string;
  /** `OK`, or what is wrong. */
  readonly status: string;
  /** Requests and replies that came in by it, since it was started. */
  readonly requests: number;
  readonly replies: number;
  /** Messages that it refused, and requests that wait for an answer; undefined of brokers of other vendors. */
  readonly refused: number | undefined;
  readonly inFlight: number | undefined;
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, one) => total + one, 0);

/** Of a document, what is kept. */
export const saidBy = ({ version, status, federation, collective, bridge }: StatsDocument): Said => ({
  version: own(version),
  status: own(status),
  requests: federation.received,
  replies: collective.received,
  refused: bridge && sum(bridge.rejected.values()),
  inFlight: bridge?.inFlight,
});

/** Intervals without a word after which an instance counts as gone. */
const GONE_AFTER_INTERVALS = 3;
/** Anybody may publish documents: their names are not to fill memory. */
const MAX_INSTANCES = 100;

/** The other instances of the cluster, by what they publish of themselves. Where none is heard there may still be some that publish nothing. */
export class Instances {
  readonly #options: InstancesOptions;
  readonly #begun: number;
  readonly #heard = new Map<string, OtherInstance>();

  constructor(options: InstancesOptions) {
    this.#options = options;
    this.#begun = options.clock();
  }

  heard(name: string, said?: Said): void {
    if (name === this.#options.instance) return;
    this.#sweep();
    if (!this.#heard.has(name) && this.#heard.size >= MAX_INSTANCES) return;
    const instance = own(name);
    this.#heard.set(instance, { instance, heard: this.#options.clock(), said });
  }

  /** Those that are there. */
  all(): readonly OtherInstance[] {
    this.#sweep();
    return [...this.#heard.values()].toSorted((a, b) => (a.instance < b.instance ? -1 : 1));
  }

  /** How many there are; undefined as long as one may not have had the time to say so. */
  others(): number | undefined {
    this.#sweep();
    if (this.#heard.size > 0) return this.#heard.size;
    return this.#options.clock() - this.#begun < 2 * this.#options.interval ? undefined : 0;
  }

  #sweep(): void {
    const gone = this.#options.clock() - GONE_AFTER_INTERVALS * this.#options.interval;
    for (const [instance, { heard }] of this.#heard) if (heard < gone) this.#heard.delete(instance);
  }
}
