import type { ServerResponse } from 'node:http';
import { type History, SAMPLE_MS } from './history.ts';
import type { PageState } from './state.ts';
import { type StreamLimits, Streams } from './streams.ts';
import type { Trail } from './trail.ts';
import type { TrailDetail } from './trail-line.ts';

export interface FeedOptions {
  readonly trail: Trail;
  readonly history: History;
  /** How all is now. */
  readonly state: () => PageState;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly limits?: StreamLimits;
  /** Ms between what is told. */
  readonly times?: FeedTimes;
}

export interface FeedTimes {
  readonly trail: number;
  readonly state: number;
  readonly sample: number;
}

const TIMES: FeedTimes = { trail: 250, state: 1_000, sample: SAMPLE_MS };
/** Lines that are told at once: more are not read by anybody. */
const MAX_LINES = 100;

/** What pages are told, as it happens: the trail four times a second, the state each second, the hour's history by and by. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #streams: Streams;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(options: FeedOptions) {
    this.#options = options;
    const { trail, history, limits } = options;
    this.#streams = new Streams({
      snapshot: () => ({ trail: trail.lines(), history: history.samples() }),
      ...(limits !== undefined && { limits }),
    });
  }

  start(): void {
    const { times = TIMES, history, clock, state } = this.#options;
    history.take(clock());
    const every = (ms: number, tell: () => void): void => {
      this.#timers.push(setInterval(tell, ms).unref());
    };
    every(times.trail, () => this.#tellTrail());
    every(times.state, () => {
      if (this.#streams.size > 0) this.#streams.refresh('state', state());
    });
    every(times.sample, () => {
      const sample = history.take(clock());
      if (sample !== undefined) this.#streams.publish('sample', sample);
    });
  }

  get isFull(): boolean {
    return this.#streams.isFull;
  }

  /** Pages that took less than came. */
  get dropped(): number {
    return this.#streams.dropped;
  }

  /** @param last the `Last-Event-ID` of a client that comes back */
  attach(client: ServerResponse, last: string | undefined): void {
    this.#streams.attach(client, last, [['state', this.#options.state()]]);
  }

  detach(client: ServerResponse): void {
    this.#streams.detach(client);
  }

  /** Undefined for one that is not remembered. */
  detail(id: string): TrailDetail | undefined {
    return this.#options.trail.detail(id);
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#streams.end();
  }

  #tellTrail(): void {
    // What nobody looks at is not made; who comes gets all of it.
    if (this.#streams.size === 0) return;
    const changes = this.#options.trail.takeChanges(MAX_LINES);
    if (changes.lines.length > 0 || changes.missed > 0) this.#streams.publish('trail', changes);
  }
}
