import type { Request } from '../envelope/message.ts';
import { Rejection } from '../envelope/rejection.ts';
import { bytesOfRequest } from '../envelope/size.ts';

/** What may wait for steps that take their time. */
export interface WaitingLimits {
  /** About. */
  readonly bytes: number;
  readonly requests: number;
}

const LIMITS: WaitingLimits = { bytes: 32 * 1024 ** 2, requests: 10_000 };

/** Requests that wait for a step of the pipeline. */
export class WaitingRoom {
  readonly #limits: WaitingLimits;
  #bytes = 0;
  #count = 0;

  constructor(limits: WaitingLimits = LIMITS) {
    this.#limits = limits;
  }

  /**
   * Lets a step take its time, where there is room. One always has room where none waits.
   * @param step is not begun where there is none
   * @throws Rejection `overloaded`, or what the step throws
   */
  async during(step: () => void | Promise<void>, request: Request): Promise<void> {
    const counted = this.#count === 0 ? undefined : this.#roomFor(request);
    const work = step();
    if (work === undefined) return;
    const bytes = counted ?? bytesOfRequest(request);
    this.#bytes += bytes;
    this.#count++;
    try {
      await work;
    } finally {
      this.#bytes -= bytes;
      this.#count--;
    }
  }

  /** @returns what it takes */
  #roomFor(request: Request): number {
    const { bytes, requests } = this.#limits;
    const taken = bytesOfRequest(request);
    if (this.#count < requests && this.#bytes + taken <= bytes) return taken;
    throw new Rejection(
      'overloaded',
      `${this.#count} requests with ${this.#bytes} bytes already wait to be let through, and ${requests} with ${bytes} bytes may`,
    );
  }
}
