import { Rejection } from '../../envelope/rejection.ts';

/** A budget of bytes for what waits: however many come at once, only what they take is limited. */
export class ByteBudget {
  readonly #limit: number;
  readonly #what: string;
  #bytes = 0;
  #count = 0;

  /** @param what the sentence after the number of those that wait, e.g. `replies already wait to be signed` */
  constructor(limit: number, what: string) {
    this.#limit = limit;
    this.#what = what;
  }

  /** How many wait. */
  get count(): number {
    return this.#count;
  }

  /**
   * One always has room where none waits.
   * @param bytes all that it takes, to be given back by `release`
   * @throws Rejection `overloaded`
   */
  reserve(bytes: number): void {
    if (this.#count > 0 && this.#bytes + bytes > this.#limit)
      throw new Rejection(
        'overloaded',
        `${this.#count} ${this.#what} (${this.#bytes} bytes, limit ${this.#limit})`,
      );
    this.#bytes += bytes;
    this.#count++;
  }

  /** Gives back what one took, once. */
  release(bytes: number): void {
    this.#bytes -= bytes;
    this.#count--;
  }
}
