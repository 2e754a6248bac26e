import pTimeout from 'p-timeout';
import type { Answer, Audit, Refused } from '../envelope/audit.ts';
import type { Decided } from '../envelope/decision.ts';
import { namedNodes } from '../envelope/message.ts';
import type { RouteId } from '../envelope/observer.ts';
import { Rejection } from '../envelope/rejection.ts';
import { type DescribeOptions, ofDecision, ofRefusal, ofUnsent } from './describe.ts';
import type { AuditEvent, Writer } from './event.ts';
import { unavailable } from './failure.ts';
import { FORMATS, type FormatName } from './format.ts';
import type { Outbox } from './outbox.ts';
import { ReplyBook, type ReplyBookLimits } from './reply-book.ts';

/** One place that records go to. */
export interface Sink {
  readonly outbox: Pick<Outbox, 'add' | 'written'>;
  readonly format: FormatName;
  /** Whether no request goes out that is not written there. */
  readonly stop: boolean;
  /** Ms that a request waits for it at most. */
  readonly timeout: number;
  /** Of requests to these egresses alone; undefined: all records. */
  readonly egresses: ReadonlySet<string> | undefined;
}

/** What a configuration says of an audit. */
export interface AuditSettings extends DescribeOptions {
  readonly sinks: readonly Sink[];
}

export interface AuditorOptions {
  readonly settings: AuditSettings;
  readonly writer: Writer;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Whether no other instance may carry replies. */
  readonly isAlone: () => boolean;
  readonly limits?: ReplyBookLimits;
}

/** Makes records of what the bridge decides, and of what comes of it, and brings them to their sinks. */
export class Auditor implements Audit {
  readonly #options: AuditorOptions;
  readonly #replies: ReplyBook;
  #settings: AuditSettings;

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#replies = new ReplyBook({
      ...options,
      names: () => this.#settings.names,
      onDone: ({ route }, summary) =>
        this.#write({ kind: 'replies', time: options.clock(), more: summary }, route?.to),
    });
  }

  /** By another configuration. */
  follow(settings: AuditSettings): void {
    this.#settings = settings;
  }

  /** Whether a request waits until it is written down. */
  get isAwaited(): boolean {
    return this.#settings.sinks.some(({ stop }) => stop);
  }

  record(decided: Decided): void | Promise<void> {
    const now = this.#options.clock();
    const { request, routeId, decision } = decided;
    const event = ofDecision(decided, now, this.#settings);
    const { flow, expires } = request.home;
    if (decision.verdict !== 'deny')
      this.#replies.asked({
        ...{ flow, requestId: request.id, route: routeId, expires },
        nodes: namedNodes(request.targets),
      });
    return this.#written(event, routeId.to, expires - now);
  }

  refused(refused: Refused): void {
    this.#write(ofRefusal(refused, this.#options.clock(), this.#settings), refused.routeId?.to);
  }

  unsent(rejection: Rejection, extent: 'all' | 'some', route: RouteId): void {
    if (extent === 'all') this.#replies.forget(rejection.context.flow);
    this.#write(ofUnsent(rejection, extent, route.name, this.#options.clock()), route.to);
  }

  answered(answer: Answer): void {
    this.#replies.answered(answer);
  }

  /** No replies are awaited any more. */
  stop(): void {
    this.#replies.stop();
  }

  #write(event: AuditEvent, egress: string | undefined): void {
    for (const { sink, line } of this.#lines(event, egress)) sink.outbox.add(line);
  }

  /** @param left ms of the request's ttl */
  #written(event: AuditEvent, egress: string, left: number): void | Promise<void> {
    const waits: Promise<void>[] = [];
    for (const { sink, line } of this.#lines(event, egress)) {
      if (sink.stop) waits.push(within(sink.outbox.written(line), Math.min(sink.timeout, left)));
      else sink.outbox.add(line);
    }
    return waits.length === 0 ? undefined : all(waits);
  }

  *#lines(
    event: AuditEvent,
    egress: string | undefined,
  ): Generator<{ readonly sink: Sink; readonly line: string }> {
    const made: Partial<Record<FormatName, string>> = {};
    for (const sink of this.#settings.sinks) {
      if (sink.egresses !== undefined && (egress === undefined || !sink.egresses.has(egress))) continue;
      made[sink.format] ??= FORMATS[sink.format](event, this.#options.writer);
      yield { sink, line: made[sink.format] ?? '' };
    }
  }
}

const all = async (waits: readonly Promise<void>[]): Promise<void> => {
  await Promise.all(waits);
};

/** @throws Rejection `audit_unavailable` */
const within = async (written: Promise<void>, ms: number): Promise<void> => {
  try {
    await pTimeout(written, { milliseconds: Math.max(1, ms) });
  } catch (error) {
    throw new Rejection(
      'audit_unavailable',
      `what is asked here has to be written down first, and that failed: ${unavailable(error)}`,
      {},
      { cause: error },
    );
  }
};
