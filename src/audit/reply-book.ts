import type { Answer } from '../envelope/audit.ts';
import { type AskedOf, ReplyEntry } from './reply-entry.ts';

export interface ReplyBookOptions {
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Names of each list. */
  readonly names: () => number;
  /** Whether no other instance may carry replies. */
  readonly isAlone: () => boolean;
  /** Called once for each request, when its ttl ends or all have answered. */
  readonly onDone: (entry: ReplyEntry, summary: Readonly<Record<string, unknown>>) => void;
  readonly limits?: ReplyBookLimits;
}

/** What is remembered at once; beyond that the oldest is written before its time. */
export interface ReplyBookLimits {
  readonly requests: number;
  /** About. */
  readonly bytes: number;
}

const LIMITS: ReplyBookLimits = { requests: 20_000, bytes: 32 * 1024 ** 2 };
const SWEEP_MS = 500;

/** By its flow; where a reply does not say it, by the request's own id. */
const keyOf = (flow: string | undefined, requestId: string): string | undefined =>
  flow ?? (requestId === '' ? undefined : `id ${requestId}`);

/** The replies of requests, until each is written down. Nothing depends on it. */
export class ReplyBook {
  readonly #options: ReplyBookOptions;
  readonly #limits: ReplyBookLimits;
  readonly #entries = new Map<string, ReplyEntry>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ReplyBookOptions) {
    this.#options = options;
    this.#limits = options.limits ?? LIMITS;
  }

  /** A request that may pass. */
  asked(request: Omit<AskedOf, 'key' | 'isOwn'>): void {
    const key = keyOf(request.flow, request.requestId);
    if (key === undefined) return;
    const known = this.#entries.get(key);
    if (known === undefined) this.#add({ ...request, key, isOwn: true });
    else if (request.nodes !== undefined) this.#change(known, () => known.await(request.nodes ?? []));
  }

  /** It did not go out after all; another record says that. */
  forget(flow: string | undefined): void {
    const entry = this.#entries.get(flow ?? '');
    if (entry?.isUnanswered === true) this.#drop(entry);
  }

  answered(answer: Answer): void {
    const { flow, requestId, route, expires } = answer;
    const { clock, names } = this.#options;
    const now = clock();
    const key = keyOf(flow, requestId);
    if (key === undefined) return;
    const entry =
      this.#entries.get(key) ??
      this.#add({ key, flow, requestId, route, expires, nodes: undefined, isOwn: false });
    this.#change(entry, () => entry.answer(answer, now, names()));
    if (entry.isComplete) this.#done(entry, false);
  }

  /** Writes down all that is left. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const entry of [...this.#entries.values()]) this.#done(entry, this.#options.clock() < entry.expires);
  }

  #add(asked: AskedOf): ReplyEntry {
    const entry = new ReplyEntry(asked);
    this.#entries.set(entry.key, entry);
    this.#bytes += entry.bytes;
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    this.#makeRoom();
    return entry;
  }

  #change(entry: ReplyEntry, change: () => void): void {
    const before = entry.bytes;
    change();
    this.#bytes += entry.bytes - before;
    this.#makeRoom();
  }

  /** The newest stays, however large. */
  #makeRoom(): void {
    const { requests, bytes } = this.#limits;
    for (const entry of this.#entries.values()) {
      if (this.#entries.size <= 1 || (this.#entries.size <= requests && this.#bytes <= bytes)) return;
      this.#done(entry, true);
    }
  }

  #sweep(): void {
    const now = this.#options.clock();
    for (const entry of this.#entries.values()) if (now >= entry.expires) this.#done(entry, false);
    if (this.#entries.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #drop(entry: ReplyEntry): void {
    if (this.#entries.get(entry.key) !== entry) return;
    this.#entries.delete(entry.key);
    this.#bytes -= entry.bytes;
  }

  #done(entry: ReplyEntry, isEarly: boolean): void {
    this.#drop(entry);
    const { names, isAlone, onDone } = this.#options;
    onDone(entry, entry.summary(names(), isAlone(), isEarly));
  }
}
