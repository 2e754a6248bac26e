import type { Statement } from './statement.ts';
import { type Moment, timingOf } from './timing.ts';

/** For requests of which time a member counts, in ms since the epoch. */
interface Period {
  readonly since: number;
  until: number;
}

interface Other {
  readonly process: string;
  readonly instance: string;
  sequence: number;
  interval: number;
  hearsAll: boolean;
  heard: Moment;
  /** Until when nothing it said can have been missed here: when it was heard, or when a gap in the hearing ended. */
  listened: Moment;
  /** The last one is the present one while it is not `dropped`. */
  periods: Period[];
  dropped: boolean;
}

/** Another instance, as it is shown. */
export interface Member {
  readonly process: string;
  readonly instance: string;
  /** Ms since the epoch, the request's time: from which on it takes requests, and until when. */
  readonly since: number;
  readonly until: number | undefined;
  /** Whether all that is shared reaches it. */
  readonly hearsAll: boolean;
  /** Ms since the epoch. */
  readonly lastHeard: number;
}

/** What became of a statement: `stale` is one that has been heard before, or an older one. */
export type Heard = 'own' | 'new' | 'known' | 'stale';

/** No cluster has so many; what a recording plays back is not to fill memory. */
const MAX_OTHERS = 1_000;

/** The other instances: who counts for a request, by the request's own time; see `timing.ts`. */
export class Others {
  readonly #keep: number;
  readonly #others = new Map<string, Other>();

  /** @param keep ms that a request may be old: so long a dropped instance counts for what was sent before */
  constructor(keep: number) {
    this.#keep = keep;
  }

  /** @param statement that of an instance with the cluster's key */
  hear(instance: string, statement: Statement, now: Moment): Heard {
    const { process, sequence, interval, since, until = Number.POSITIVE_INFINITY, hearsAll } = statement;
    const known = this.#others.get(process);
    if (known === undefined) {
      const periods = [{ since, until }];
      this.#others.set(process, {
        process,
        instance,
        sequence,
        interval,
        hearsAll,
        heard: now,
        listened: now,
        periods,
        dropped: false,
      });
      this.#forget(now);
      return 'new';
    }
    if (sequence <= known.sequence) return 'stale';
    const wasDropped = known.dropped;
    Object.assign(known, { sequence, interval, hearsAll, heard: now, listened: now, dropped: false });
    const last = known.periods.at(-1);
    if (last?.since === since) last.until = until;
    else {
      // What it took before it was cut off, others may read only now.
      if (last !== undefined && !wasDropped)
        last.until = Math.min(last.until, since, now.epoch + timingOf(interval).spare);
      known.periods.push({ since, until });
    }
    return wasDropped ? 'new' : 'known';
  }

  /** What others said in a while that ends now was not to be heard here: their silence begins only now. */
  gap(now: Moment): void {
    for (const other of this.#others.values()) other.listened = now;
  }

  /**
   * Drops those from whom something would have come by now.
   * @param confirmed see `Standing`
   * @returns those that have not said that they leave
   */
  drop(confirmed: Moment): readonly Member[] {
    const dropped: Member[] = [];
    for (const other of this.#others.values()) {
      const { drop } = timingOf(other.interval);
      if (other.dropped || confirmed.steady - other.listened.steady < drop) continue;
      other.dropped = true;
      const last = other.periods.at(-1);
      // One that has said that it leaves is not missed.
      if (last === undefined || Number.isFinite(last.until)) continue;
      last.until = other.listened.epoch + drop;
      dropped.push(memberOf(other));
    }
    return dropped;
  }

  /** The processes that count for a request. @param time of the request, in ms since the epoch */
  *at(time: number): Generator<string> {
    for (const { process, periods } of this.#others.values())
      if (periods.some(({ since, until }) => since <= time && time < until)) yield process;
  }

  /** Those that have not been dropped and have not left. */
  present(now: Moment): readonly Member[] {
    return [...this.#others.values()]
      .filter((other) => !other.dropped)
      .map(memberOf)
      .filter(({ until = Number.POSITIVE_INFINITY }) => now.epoch < until);
  }

  /**
   * The next moment, in ms of the steady clock, from which on a statement that comes back drops somebody.
   * @param lastSent when this process last sent one
   */
  due(lastSent: Moment, now: Moment): number {
    let due = Number.POSITIVE_INFINITY;
    for (const { dropped, listened, interval, periods } of this.#others.values()) {
      const silent = listened.steady + timingOf(interval).drop;
      const isLeaving = (periods.at(-1)?.until ?? 0) <= now.epoch;
      if (!dropped && !isLeaving && lastSent.steady < silent) due = Math.min(due, silent);
    }
    return due;
  }

  /** Forgets periods of which no request can be left; the sequence is kept, lest a recording bring the dead back. */
  #forget(now: Moment): void {
    for (const other of this.#others.values())
      other.periods = other.periods.filter(({ until }) => until + this.#keep >= now.epoch);
    for (const [process, { dropped, periods }] of this.#others) {
      if (this.#others.size <= MAX_OTHERS) break;
      if (dropped && periods.length === 0) this.#others.delete(process);
    }
  }
}

const memberOf = ({ process, instance, periods, hearsAll, heard }: Other): Member => {
  const { since, until } = periods.at(-1) ?? { since: 0, until: 0 };
  return {
    process,
    instance,
    since,
    until: Number.isFinite(until) ? until : undefined,
    hearsAll,
    lastHeard: heard.epoch,
  };
};
