import type { Log } from '../envelope/log.ts';
import type { Egress } from '../envelope/port.ts';
import type { Inventory } from './inventory.ts';
import { type Found, type Progress, Rounds } from './rounds.ts';

/** An egress whose nodes are asked for. */
export interface Surveyed {
  readonly egress: Pick<Egress, 'name' | 'discover' | 'status'>;
  readonly collectives: readonly string[];
  /** Ms between questions; 0: none are asked. */
  readonly every: number;
}

export interface SurveyOptions {
  readonly inventory: Inventory;
  readonly surveyed: readonly Surveyed[];
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
  /** When an egress's collectives were asked last by the survey that this one comes after, in ms since the epoch. */
  readonly lastAsked?: (egress: string) => number | undefined;
}

/** Ms; MCollective's own discovery timeout. Who has not answered by then is learned later. */
const WINDOW = 2_000;
/** Ms. Who has not answered by then is not there; later than clients wait, because a fleet under load is late. */
const MISSED = 5_000;
/** Ms. */
const SWEEP_EVERY = 5_000;

/** Keeps an inventory up to date: asks every egress who is there, again and again, and forgets who no longer answers. */
export class Survey {
  readonly #inventory: Inventory;
  readonly #rounds: ReadonlyMap<string, Rounds>;
  /** Egresses that are to be asked and cannot be. */
  readonly #mute: ReadonlySet<string>;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #over: Promise<void>;
  #end: () => void = () => undefined;
  /** Whether an egress is asked that has not been asked before. */
  readonly #isNew: boolean;
  #stopped = false;

  constructor(options: SurveyOptions) {
    const { inventory, surveyed, log, clock, random = Math.random, lastAsked = () => undefined } = options;
    this.#inventory = inventory;
    this.#over = new Promise((resolve) => {
      this.#end = resolve;
    });
    const found: Found = (egress, collective, node) => {
      if (!this.#stopped) inventory.seen(egress, collective, node, 'discovery');
    };
    const asked = surveyed.filter(({ collectives, every }) => every > 0 && collectives.length > 0);
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
            if (!this.#stopped && egress.status().up) inventory.surveyed(name, collective, at);
          }, MISSED).unref();
        };
        const rounds = new Rounds({
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
    this.#timers.push(setInterval(() => this.#inventory.sweep(), SWEEP_EVERY).unref());
    for (const rounds of this.#rounds.values()) rounds.start();
  }

  /**
   * For who has to know the nodes before it takes requests, and has just been connected.
   * @returns in 2 s, when the first answers are in; at once where nobody is asked, or once it is stopped
   */
  answered(): Promise<void> {
    if (this.#rounds.size === 0 || !this.#isNew) return Promise.resolve();
    const window = new Promise<void>((resolve) => {
      this.#timers.push(setTimeout(resolve, WINDOW).unref());
    });
    return Promise.race([window, this.#over]);
  }

  /** Another one asks from now on; answers that still come count. */
  handOver(): void {
    for (const rounds of this.#rounds.values()) rounds.stop();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#end();
  }

  /** Asks no more; answers that still come are left out. */
  stop(): void {
    this.#stopped = true;
    this.handOver();
  }

  /** How far the asking of an egress is; undefined where it is not asked. */
  progress(egress: string): Progress | undefined {
    if (this.#mute.has(egress))
      return { asked: undefined, error: `${egress} has no key to sign a question with` };
    return this.#rounds.get(egress)?.progress;
  }
}
