import type { StatsDocument } from '../../adapters/choria/wire/stats.ts';
import { type Flow, SIDES, type Side } from './view.ts';

/** Enough to be sure that one late or lost document does not count. */
const MAX_GAPS = 5;
/** Ms; documents closer together than this say nothing of the interval. */
const MIN_GAP_MS = 1000;
/** From here on it is not an accident: a process that restarts has another start time. */
const MIN_COUNTER_RESETS = 3;

const median = (numbers: readonly number[]): number | undefined =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** What tells processes apart: a name may be used twice, and a restarted process begins to count anew. */
export const processKey = ({ instance, startTime, configFile, bridge }: StatsDocument): string =>
  JSON.stringify([instance, startTime ?? 0, bridge?.identity ?? configFile]);

/** When a document came. */
export interface Moment {
  /** Ms since the epoch by the observer's clock, which may be set while it watches. */
  readonly at: number;
  /** The how manyth of its cluster it is. */
  readonly turn: number;
}

type Rates = Readonly<Record<Side, Flow>>;

/** What one process of a broker has said so far. Times are the observer's, in ms, so other machines' clocks don't matter. */
export class ObservedProcess {
  readonly firstTurn: number;
  document: StatsDocument;
  lastTurn: number;
  lastHeard: number;
  /** Between the last two documents; null when there is but one, or its counters began anew. */
  rates: Rates | null = null;
  /** The last document is the first since it began to count anew. */
  restarted: boolean;
  #gaps: readonly number[] = [];
  #falls = 0;

  /** @param restarted it takes the place of another process of its name */
  constructor(document: StatsDocument, { at, turn }: Moment, restarted: boolean) {
    this.document = document;
    this.firstTurn = turn;
    this.lastTurn = turn;
    this.lastHeard = at;
    this.restarted = restarted;
  }

  hear(document: StatsDocument, { at, turn }: Moment): void {
    const gap = at - this.lastHeard;
    const earlier = this.document;
    const fell = SIDES.some(
      (side) => document[side].received < earlier[side].received || document[side].sent < earlier[side].sent,
    );
    if (fell) this.#falls++;
    this.restarted = fell;
    this.rates = fell || gap <= 0 ? null : ratesBetween(earlier, document, gap / 1000);
    if (gap >= MIN_GAP_MS) this.#gaps = [...this.#gaps, gap].slice(-MAX_GAPS);
    this.document = document;
    this.lastTurn = turn;
    this.lastHeard = at;
  }

  /** Whether it has said more than one thing. */
  get hasSpokenAgain(): boolean {
    return this.lastTurn > this.firstTurn;
  }

  /** Ms between its documents: what it says, else what was seen; undefined after a single document that does not say. */
  get interval(): number | undefined {
    const said = this.document.bridge?.interval;
    return said === undefined ? median(this.#gaps) : said * 1000;
  }

  /** Its counters go up and down: documents of several processes that cannot be told apart. */
  get isMixed(): boolean {
    return this.#falls >= MIN_COUNTER_RESETS;
  }

  /** Ms by which its clock is ahead of the observer's (behind: negative), as far as its last document shows. */
  get skew(): number {
    const { bridge, federation, collective, startTime } = this.document;
    if (bridge?.time !== undefined) return bridge.time * 1000 - this.lastHeard;
    // What it says has happened cannot lie ahead; that something was long ago shows nothing.
    const latest = Math.max(startTime ?? 0, federation.lastMessage ?? 0, collective.lastMessage ?? 0);
    return Math.max(0, latest * 1000 - this.lastHeard);
  }
}

const ratesBetween = (earlier: StatsDocument, later: StatsDocument, seconds: number): Rates => {
  const flow = (side: Side): Flow => ({
    received: (later[side].received - earlier[side].received) / seconds,
    sent: (later[side].sent - earlier[side].sent) / seconds,
  });
  return { federation: flow('federation'), collective: flow('collective') };
};
