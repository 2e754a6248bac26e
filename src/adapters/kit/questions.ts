import { Rejection } from '../../envelope/rejection.ts';

/** Called for each node that answers. */
export type Found = (node: string) => void;

/** The discovery questions of one instance that may still be answered, by their request id. */
export class Questions {
  readonly #clock: () => number;
  readonly #open = new Map<string, { readonly found: Found; readonly expires: number }>();

  /** @param clock ms since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** @param ttl seconds */
  ask(requestId: string, ttl: number, found: Found): void {
    const now = this.#clock();
    for (const [id, { expires }] of this.#open) if (expires <= now) this.#open.delete(id);
    this.#open.set(requestId, { found, expires: now + ttl * 1000 });
  }

  /**
   * Whom to tell of an answer.
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
}
