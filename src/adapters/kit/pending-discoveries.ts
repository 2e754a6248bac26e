import { Rejection } from '../../envelope/rejection.ts';

/** Called for each node that answers, with the time by its own clock where the answer says it, in ms since the epoch. */
export type Found = (node: string, time?: number) => void;

/** Called for each answer that cannot be read or trusted. */
export type Unread = (rejection: Rejection) => void;

interface Question {
  readonly found: Found;
  readonly unread: Unread | undefined;
  readonly expires: number;
}

/** The discovery questions of one instance that may still be answered, by their request id. */
export class PendingDiscoveries {
  readonly #clock: () => number;
  readonly #open = new Map<string, Question>();

  /** @param clock ms since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** @param ttl seconds */
  ask(requestId: string, ttl: number, found: Found, unread?: Unread): void {
    const now = this.#clock();
    for (const [id, { expires }] of this.#open) if (expires <= now) this.#open.delete(id);
    this.#open.set(requestId, { found, unread, expires: now + ttl * 1000 });
  }

  /**
   * Who gets an answer.
   * @throws Rejection `requestid_mismatch` where that was not asked, or too long ago
   */
  find(requestId: string): Found {
    const question = this.#open.get(requestId);
    if (question === undefined || question.expires <= this.#clock())
      throw new Rejection('requestid_mismatch', 'it answers what this instance has not asked of late', {
        requestId,
      });
    return question.found;
  }

  /** Something came where answers come, and is none: whoever asked and wants to know is told, of which question it is said or not. */
  refuse(rejection: Rejection): void {
    const { requestId } = rejection.context;
    const asked = requestId === undefined ? undefined : this.#open.get(requestId);
    const all = asked === undefined ? this.#open.values() : [asked];
    for (const { unread } of all) unread?.(rejection);
  }
}
