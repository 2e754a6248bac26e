import type { Log } from '../bridge/log.ts';
import type { Member } from './others.ts';
import type { Statement } from './statement.ts';

/** Anybody may publish documents: their names are not to fill memory or the log. */
const MAX_NAMES = 100;

/** What an operator should know of a cluster, once each. */
export class Notices {
  readonly #log: Log;
  readonly #unsealed = new Set<string>();
  readonly #apart = new Set<string>();
  readonly #leaving = new Set<string>();
  #isNamesakeTold = false;
  #takesPart = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Whether this instance takes its share now. */
  takesPart(takesPart: boolean, isAway: boolean): void {
    if (takesPart === this.#takesPart) return;
    this.#takesPart = takesPart;
    if (takesPart) this.#log.info({ event: 'share', taken: true }, 'takes its share of the legacy requests');
    else
      this.#log.warn(
        { event: 'share', taken: false },
        isAway
          ? 'takes no legacy requests for now: a broker that they come from is away, and another instance hears all of them'
          : 'takes no legacy requests for now: it was stopped or cut off for so long that others may have taken its share',
      );
  }

  heard(instance: string, { process, until }: Statement, isNew: boolean): void {
    if (isNew)
      this.#log.info({ event: 'member_joined', member: instance }, 'another instance of the cluster');
    if (until === undefined) {
      if (this.#leaving.delete(process))
        this.#log.info(
          { event: 'member_joined', member: instance },
          'an instance takes part in the cluster again',
        );
      return;
    }
    if (this.#leaving.has(process)) return;
    if (this.#leaving.size < MAX_NAMES) this.#leaving.add(process);
    this.#log.info(
      { event: 'member_left', member: instance },
      'an instance leaves the cluster to the others',
    );
  }

  silent({ instance, lastHeard }: Member): void {
    this.#log.warn(
      { event: 'member_silent', member: instance, last_heard: new Date(lastHeard).toISOString() },
      'an instance has fallen silent, the others take its share',
    );
  }

  /** A document that says it is a member's and does not prove it. */
  unsealed(instance: string): void {
    if (this.#unsealed.has(instance) || this.#unsealed.size >= MAX_NAMES) return;
    this.#unsealed.add(instance);
    this.#log.error(
      { event: 'member_unproven', member: instance },
      'a document of another cluster key is ignored: where it is an instance of this cluster, both take all requests',
    );
  }

  /**
   * @param ms by which what it says is old, negative where it is of the future
   * @param counts whether it counts all the same
   */
  apart(instance: string, ms: number, counts: boolean): void {
    if (this.#apart.has(instance) || this.#apart.size >= MAX_NAMES) return;
    this.#apart.add(instance);
    this.#log.error(
      { event: 'clock_apart', member: instance, seconds: Math.round(ms / 1000) },
      counts
        ? 'the time of a document is off by more than a minute: clocks are wrong, and requests may be lost'
        : 'a document whose time is off by more than max_ttl is ignored: a recording, or a clock that is wrong',
    );
  }

  /** Harmless to the sharing, but nobody can tell the two apart. */
  namesake(instance: string): void {
    if (this.#isNamesakeTold) return;
    this.#isNamesakeTold = true;
    this.#log.error(
      { event: 'name_taken', member: instance },
      'another process has the same instance name: give each a name of its own (the key instance)',
    );
  }
}
