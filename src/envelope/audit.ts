import type { Decided, Passing } from './decision.ts';
import type { Request } from './message.ts';
import type { RouteId } from './observer.ts';
import type { Rejection } from './rejection.ts';

/** A request whose signature held and that was refused before it was written down. */
export interface Refused extends Partial<Omit<Passing, 'request'>> {
  /** As it came. */
  readonly request: Request;
  readonly rejection: Rejection;
}

/** What became of a node's reply: of one that passes unchanged nobody knows what it says. */
export type AnswerResult = 'ok' | 'failed' | 'refused' | 'unread';

/** A reply that has come by this instance. */
export interface Answer {
  /** Of the request; undefined where the reply does not say it. */
  readonly flow: string | undefined;
  readonly requestId: string;
  /** Ms since the epoch: when the ttl of its request ends. */
  readonly expires: number;
  readonly route: RouteId | undefined;
  /** Who answered, where the reply says so. */
  readonly node: string | undefined;
  readonly result: AnswerResult;
}

/** Writes down what was decided, and what came of it. */
export interface Audit {
  /** False of one that only shows what it hears: nothing is written down by it. */
  readonly writes?: false;
  /**
   * Before what may pass goes out. While it runs, the request waits, within what may wait in bytes and number.
   * @throws Rejection where the request must not go out, for it could not be written down
   */
  record(decided: Decided): void | Promise<void>;
  /** Nobody waits for it to be written. */
  refused(refused: Refused): void;
  /**
   * A request that was written down as one that may pass has not gone out after all. Its context names its flow.
   * @param extent whether others of its messages did
   */
  unsent(rejection: Rejection, extent: 'all' | 'some', route: RouteId): void;
  answered(answer: Answer): void;
}
