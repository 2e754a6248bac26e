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

const NOTHING: WaitingLimits = { bytes: 0, requests: 0 };

/** Those whose caller nobody knows are as one. */
const whose = ({ caller = '' }: Request): string => caller;

/** Requests that wait for a step of the pipeline. A caller may take as much of the room as is left free for the others. */
export class WaitingRoom {
  readonly #limits: WaitingLimits;
  #bytes = 0;
  #count = 0;
  /** By callers, of whom something waits. */
  readonly #taken = new Map<string, WaitingLimits>();

  constructor(limits: WaitingLimits = LIMITS) {
    this.#limits = limits;
  }

  /**
   * Lets a step take its time, where there is room. One always has room where none waits.
   * @param step is not begun where there is none
   * @returns at once what takes no time
   * @throws Rejection `overloaded`, or what the step throws
   */
  during<T>(step: () => T | Promise<T>, request: Request): T | Promise<T> {
    const counted = this.#count === 0 ? undefined : this.#roomFor(request);
    const work = step();
    if (!(work instanceof Promise)) return work;
    return this.#until(work, whose(request), counted ?? bytesOfRequest(request));
  }

  async #until<T>(work: Promise<T>, caller: string, bytes: number): Promise<T> {
    this.#take(caller, bytes, 1);
    try {
      return await work;
    } finally {
      this.#take(caller, -bytes, -1);
    }
  }

  #take(caller: string, bytes: number, requests: number): void {
    this.#bytes += bytes;
    this.#count += requests;
    const before = this.#taken.get(caller) ?? NOTHING;
    if (before.requests + requests === 0) this.#taken.delete(caller);
    else this.#taken.set(caller, { bytes: before.bytes + bytes, requests: before.requests + requests });
  }

  /** @returns what it takes */
  #roomFor(request: Request): number {
    const { bytes, requests } = this.#limits;
    const taken = bytesOfRequest(request);
    const free: WaitingLimits = { bytes: bytes - this.#bytes, requests: requests - this.#count };
    const his = this.#taken.get(whose(request)) ?? NOTHING;
    const hasRoom = free.requests > 0 && taken <= free.bytes;
    if (hasRoom && his.requests <= free.requests && his.bytes <= free.bytes) return taken;
    throw new Rejection(
      'overloaded',
      `${this.#count} requests with ${this.#bytes} bytes already wait to be let through, ${his.requests} with ${his.bytes} bytes of this caller; ${requests} with ${bytes} bytes may, of one caller as much as is left free`,
    );
  }
}
