import { type DescribeOptions, ofDecision, ofRefusal } from '../audit/describe.ts';
import type { AuditEvent } from '../audit/event.ts';
import type { Answer, Audit } from '../envelope/audit.ts';
import type { Hop } from '../envelope/message.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import { shownLines } from './shown-layer.ts';
import { TrailEntry } from './trail-entry.ts';
import type { TrailDetail, TrailLine } from './trail-line.ts';
import type { WireMessage } from './wires.ts';

export interface TrailOptions {
  /** What may be shown of a request: as the audit writes it down. */
  readonly describe: () => DescribeOptions;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly limits?: TrailLimits;
  /** What a request came as that is at work now; undefined where that is not known. */
  readonly taken?: (flow: string, ingress: string) => WireMessage | undefined;
}

/** What is remembered at once; beyond that the oldest goes. */
export interface TrailLimits {
  readonly requests: number;
  /** About. */
  readonly bytes: number;
}

const LIMITS: TrailLimits = { requests: 500, bytes: 8 * 1024 ** 2 };

/** What has changed since it was asked for last. */
export interface TrailChanges {
  readonly lines: readonly TrailLine[];
  /** Requests that went out of the trail before anybody saw them. */
  readonly missed: number;
}

/**
 * The last requests that this instance took, with what came of them by it. It hears what an audit hears, in the same words, and
 * writes nothing down.
 */
export class Trail {
  readonly #options: TrailOptions;
  readonly #limits: TrailLimits;
  readonly #entries = new Map<string, TrailEntry>();
  /** Those that have changed, and of them those that nobody has seen yet. */
  readonly #changed = new Set<string>();
  readonly #unseen = new Set<string>();
  #missed = 0;
  #bytes = 0;

  constructor(options: TrailOptions) {
    this.#options = options;
    this.#limits = options.limits ?? LIMITS;
  }

  /** What hears of decisions and replies. */
  readonly audit: Audit = {
    writes: false,
    record: (decided) => {
      const { clock, describe } = this.#options;
      const { hops } = decided.outgoing.home;
      this.#add(decided.request.home.flow, ofDecision(decided, clock(), describe()), hops);
    },
    refused: (refused) => {
      const { clock, describe } = this.#options;
      const { flow, hops } = refused.request.home;
      this.#add(flow, ofRefusal(refused, clock(), describe()), hops);
    },
    unsent: ({ code, message, context }, extent) =>
      this.#change(context.flow, (entry) => entry.unsent(code, message, extent === 'all')),
    answered: ({ flow, node, result }: Answer) =>
      this.#change(flow, (entry) => entry.answer(node, result, this.#options.clock())),
  };

  /** What hears of the rest. */
  readonly observer: Pick<BridgeObserver, 'refused' | 'requestDone'> = {
    refused: ({ code, stage, context: { flow, sender: node }, sentence }) => {
      if (stage !== 'reply_in' && stage !== 'reply') return;
      this.#change(flow, (entry) =>
        entry.refuseReply({ ...(node !== undefined && { node }), code, sentence }),
      );
    },
    requestDone: ({ fields }) => {
      if (this.#entries.size === 0) return;
      const { flow } = fields();
      if (typeof flow === 'string') this.#change(flow, (entry) => entry.end());
    },
  };

  /** All that is remembered, the oldest first. */
  lines(): readonly TrailLine[] {
    return [...this.#entries.values()].map((entry) => entry.line());
  }

  /** Undefined for one that is not remembered. */
  detail(id: string): TrailDetail | undefined {
    const { describe, clock } = this.#options;
    const { redaction } = describe();
    return this.#entries.get(id)?.detail(({ link, bytes, body }) => ({
      ...{ link, bytes },
      ...(body !== undefined && { lines: shownLines(body, redaction, clock()) }),
    }));
  }

  /** A request has gone out as this, or as several. */
  sent(flow: string, link: string, message: () => WireMessage): void {
    const entry = this.#entries.get(flow);
    // Replies, and what a refusal is told by, go where it came from.
    if (entry?.egress === link) this.#change(flow, () => entry.sent(message));
  }

  /** @param most lines; further ones come the next time */
  takeChanges(most: number): TrailChanges {
    const taken = [...this.#changed].slice(0, most);
    for (const id of taken) {
      this.#changed.delete(id);
      this.#unseen.delete(id);
    }
    const missed = this.#missed;
    this.#missed = 0;
    return { lines: taken.flatMap((id) => this.#entries.get(id)?.line() ?? []), missed };
  }

  clear(): void {
    this.#entries.clear();
    this.#changed.clear();
    this.#unseen.clear();
    [this.#bytes, this.#missed] = [0, 0];
  }

  #add(id: string | undefined, event: AuditEvent, hops: readonly Hop[] | undefined): void {
    if (id === undefined) return;
    const ingress = event.more['ingress'];
    const came = typeof ingress === 'string' ? this.#options.taken?.(id, ingress) : undefined;
    if (this.#entries.has(id)) {
      this.#change(id, (entry) => entry.join(event));
      return;
    }
    const entry = new TrailEntry(id, event, hops);
    if (came !== undefined) entry.came(came);
    this.#entries.set(entry.id, entry);
    this.#changed.add(entry.id);
    this.#unseen.add(entry.id);
    this.#bytes += entry.bytes;
    this.#makeRoom();
  }

  #change(id: string | undefined, change: (entry: TrailEntry) => void): void {
    const entry = id === undefined ? undefined : this.#entries.get(id);
    if (entry === undefined) return;
    const before = entry.bytes;
    change(entry);
    this.#bytes += entry.bytes - before;
    this.#changed.add(entry.id);
    this.#makeRoom();
  }

  /** The newest stays, however large. */
  #makeRoom(): void {
    const { requests, bytes } = this.#limits;
    for (const entry of this.#entries.values()) {
      if (this.#entries.size <= 1 || (this.#entries.size <= requests && this.#bytes <= bytes)) return;
      this.#entries.delete(entry.id);
      this.#changed.delete(entry.id);
      if (this.#unseen.delete(entry.id)) this.#missed++;
      this.#bytes -= entry.bytes;
    }
  }
}
