import type { Log } from '../envelope/log.ts';
import type { Egress } from '../envelope/port.ts';
import { DiscoveryLoop, type Found, type Progress } from './discovery-loop.ts';
import type { Inventory } from './inventory.ts';

/** An egress by which discovery is sent. */
export interface DiscoveryTarget {
  readonly egress: Pick<Egress, 'name' | 'discover' | 'status'>;
  readonly collectives: readonly string[];
  /** Ms between questions; 0: none are asked. */
  readonly every: number;
}

export interface DiscoverySchedulerOptions {
  readonly inventory: Inventory;
  readonly targets: readonly DiscoveryTarget[];
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
  /** When an egress's collectives were asked last by the scheduler before this one, in ms since the epoch. */
  readonly lastAsked?: (egress: string) => number | undefined;
}

/** Ms; MCollective's own discovery timeout. A node that has not answered by then is learned later. */
const DISCOVERY_TIMEOUT_MS = 2_000;
/** Ms. A node that has not answered by then is not there. Clients wait less, but a fleet under load is late. */
const MISSED_AFTER_MS = 5_000;
/** Ms. */
const SWEEP_INTERVAL_MS = 5_000;

/** Keeps an inventory up to date: sends discovery by every egress, again and again, and forgets nodes that no longer answer. */
export class DiscoveryScheduler {
  readonly #inventory: Inventory;
  readonly #rounds: ReadonlyMap<string, DiscoveryLoop>;
  /** Egresses that are to be asked and cannot be. */
  readonly #mute: ReadonlySet<string>;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #over: Promise<void>;
  #end: () => void = () => undefined;
  /** Whether an egress is asked that has not been asked before. */
  readonly #isNew: boolean;
  #stopped = false;

  constructor(options: DiscoverySchedulerOptions) {
    const { inventory, targets, log, clock, random = Math.random, lastAsked = () => undefined } = options;
    this.#inventory = inventory;
    this.#over = new Promise((resolve) => {
      this.#end = resolve;
    });
    const found: Found = (egress, collective, node) => {
      if (!this.#stopped) inventory.observe(egress, collective, node, 'discovery');
    };
    const asked = targets.filter(({ collectives, every }) => every > 0 && collectives.length > 0);
    const mute = asked.filter(({ egress }) => egress.discover === undefined);
    this.#mute = new Set(mute.map(({ egress }) => egress.name));
    this.#isNew = asked.some(({ egress }) => lastAsked(egress.name) === undefined);
    this.#rounds = new Map(
      asked.flatMap(({ egress, collectives, every }) => {
        const { name, discover } = egress;
        if (discover === undefined) return [];
        const ask = (collective: string, take: (node: string) => void) => discover(collective, take);
        const status = () => egress.status();
        const asked = (collective: string, at: number): void => {
          setTimeout(() => {
            // Where the connection is gone, answers are too.
            if (!this.#stopped && egress.status().up) inventory.targets(name, collective, at);
          }, MISSED_AFTER_MS).unref();
        };
        const rounds = new DiscoveryLoop({
          name,
          ask,
          status,
          collectives,
          every,
          found,
          asked,
          log,
          clock,
          random,
          lastAsked: lastAsked(name),
        });
        return [[name, rounds]];
      }),
    );
  }

  /** Asks at once, or as soon as an egress is connected. */
  start(): void {
    this.#timers.push(setInterval(() => this.#inventory.sweep(), SWEEP_INTERVAL_MS).unref());
    for (const rounds of this.#rounds.values()) rounds.start();
  }

  /**
   * For an ingress that has to know the nodes before it takes requests, and has just been connected.
   * @returns in 2 s, when the first answers are in; at once where no node is asked, or once it is stopped
   */
  answered(): Promise<void> {
    if (this.#rounds.size === 0 || !this.#isNew) return Promise.resolve();
    const window = new Promise<void>((resolve) => {
      this.#timers.push(setTimeout(resolve, DISCOVERY_TIMEOUT_MS).unref());
    });
    return Promise.race([window, this.#over]);
  }

  /** Another one asks from now on; answers that still come count. */
  handOver(): void {
    for (const rounds of this.#rounds.values()) rounds.stop();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#end();
  }

  /** Stops; later answers are ignored. */
  stop(): void {
    this.#stopped = true;
    this.handOver();
  }

  /** The progress of discovery by an egress; undefined where none is sent. */
  progress(egress: string): Progress | undefined {
    if (this.#mute.has(egress))
      return { asked: undefined, error: `${egress} has no key to sign a question with` };
    return this.#rounds.get(egress)?.progress;
  }
}
