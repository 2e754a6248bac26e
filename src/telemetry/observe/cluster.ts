import type { StatsDocument } from '../../adapters/choria/wire/stats.ts';
import { duration } from './format.ts';
import { singleLine } from './line.ts';
import { ObservedProcess, processKey } from './process.ts';
import { type Named, viewOf } from './summary.ts';
import type { ClusterView } from './view.ts';

/** Ms between the documents of the Ruby broker (`federation_broker/stats.rb`), and of this bridge unless configured. */
export const DEFAULT_INTERVAL_MS = 10_000;

/** Intervals of silence that make an instance stale. */
const STALE_AFTER_INTERVALS = 3;
/** Ms; less is the network's delay and the whole seconds of the documents. */
const NOTEWORTHY_SKEW_MS = 5_000;
/** No cluster has so many. A sender of endless names must fill neither memory nor the terminal. */
const MAX_PROCESSES = 100;
/** Characters of a name that are shown: the longest makes all lines as long. */
const MAX_NAME_CHARS = 64;

const cut = (name: string): string =>
  name.length > MAX_NAME_CHARS ? `${name.slice(0, MAX_NAME_CHARS)}…` : name;

/**
 * Collects the statistics documents of one cluster. Holds no clock: each call says what time it is, in ms since the
 * epoch. Where that is set back, what depends on it is right again with each instance's next document.
 */
export class ObservedCluster {
  readonly #cluster: string;
  readonly #processes = new Map<string, ObservedProcess>();
  #turn = 0;
  #malformed = 0;
  #forgotten = 0;
  #lastMalformed: string | null = null;

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  /** A document that arrived `at`. */
  hear(document: StatsDocument, at: number): void {
    if (document.cluster !== this.#cluster) {
      this.refuse(`a document says that it is of the cluster ${document.cluster}`);
      return;
    }
    const moment = { at, turn: this.#turn++ };
    const key = processKey(document);
    const known = this.#processes.get(key);
    if (known !== undefined) {
      known.hear(document, moment);
      return;
    }
    const restarted = this.#all().some((it) => it.document.instance === document.instance);
    this.#processes.set(key, new ObservedProcess(document, moment, restarted));
    if (this.#processes.size > MAX_PROCESSES) this.#forgetOne();
  }

  /** Something arrived that is not a statistics document of this cluster. */
  refuse(reason: string): void {
    this.#malformed++;
    this.#lastMalformed = singleLine(reason);
  }

  /** Names of instances heard so far. */
  names(): ReadonlySet<string> {
    return new Set(this.#all().map(({ document }) => document.instance));
  }

  /** Ms between documents, as far as known: the longest of the instances'. */
  interval(): number {
    const known = this.#all().flatMap((it) => it.interval ?? []);
    return known.length === 0 ? DEFAULT_INTERVAL_MS : Math.max(...known);
  }

  /**
   * What is known at `now`.
   * @param only instances to list; totals and shares are those of the whole cluster even so
   */
  view(now: number, only?: ReadonlySet<string>): ClusterView {
    const named = this.#shown(now);
    const isListed = ({ process }: Named): boolean => only?.has(process.document.instance) ?? true;
    return {
      cluster: this.#cluster,
      at: now,
      interval: this.interval(),
      ...viewOf(named, isListed, now),
      malformed: { count: this.#malformed, last: this.#lastMalformed },
      notes: this.#notes(named.filter(isListed)),
    };
  }

  #all(): ObservedProcess[] {
    return [...this.#processes.values()];
  }

  #intervalOf(process: ObservedProcess): number {
    return process.interval ?? this.interval();
  }

  #isStale(process: ObservedProcess, now: number): boolean {
    return now - process.lastHeard > STALE_AFTER_INTERVALS * this.#intervalOf(process);
  }

  /**
   * The processes that count. One that has said nothing since another of its name was first heard was that one's
   * predecessor; those that still speak are several with one name.
   */
  #shown(now: number): readonly Named[] {
    const byName = new Map<string, ObservedProcess[]>();
    for (const process of this.#all()) {
      const { instance } = process.document;
      const others = byName.get(instance);
      if (others === undefined) byName.set(instance, [process]);
      else others.push(process);
    }
    return [...byName.entries()]
      .toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
      .flatMap(([name, processes]) => {
        const latest = processes.reduce((a, b) => (b.lastTurn > a.lastTurn ? b : a));
        const newest = Math.max(...processes.map(({ firstTurn }) => firstTurn));
        const alive = processes.filter(
          (it) => it === latest || (it.lastTurn >= newest && !this.#isStale(it, now)),
        );
        return alive.map((process, index) => ({
          process,
          name: alive.length === 1 ? cut(name) : `${cut(name)}#${index + 1}`,
          interval: this.#intervalOf(process),
          stale: this.#isStale(process, now),
        }));
      });
  }

  #notes(named: readonly Named[]): readonly string[] {
    const notes: string[] = [];
    const count = new Map<string, number>();
    for (const { process } of named)
      count.set(process.document.instance, (count.get(process.document.instance) ?? 0) + 1);
    for (const [name, processes] of count)
      if (processes > 1)
        notes.push(
          `${processes} processes call themselves instance ${cut(name)}: give each a name of its own (the key instance)`,
        );
    for (const { name, process } of named) {
      const { skew } = process;
      if (Math.abs(skew) > NOTEWORTHY_SKEW_MS)
        notes.push(
          `instance ${name}'s clock is ${duration(Math.abs(skew))} ${skew > 0 ? 'ahead of' : 'behind'} this machine's`,
        );
      if (process.isMixed)
        notes.push(`the counters of instance ${name} go up and down: maybe several processes use its name`);
    }
    if (this.#forgotten > 0)
      notes.push(
        `more than ${MAX_PROCESSES} processes publish statistics of this cluster, ${this.#forgotten} were left out: a client makes them up`,
      );
    if (this.#malformed > 0)
      notes.push(
        `${this.#malformed} ${this.#malformed === 1 ? 'document' : 'documents'} could not be read, the last: ${this.#lastMalformed ?? ''}`,
      );
    return notes;
  }

  /** One that was heard once before one that goes on: what is made up pushes out its like. */
  #forgetOne(): void {
    const [first] = [...this.#processes].toSorted(
      ([, a], [, b]) => Number(a.hasSpokenAgain) - Number(b.hasSpokenAgain) || a.lastTurn - b.lastTurn,
    );
    if (first === undefined) return;
    this.#processes.delete(first[0]);
    this.#forgotten++;
  }
}
