import { Rejection } from '../envelope/rejection.ts';

/** What anything that waits takes beside its content: promises, closures, its way home. In bytes. */
const OVERHEAD = 700;

/** Room for what waits, in bytes: however many come at once, only what they take is limited. */
export class Room {
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
   * @returns what gives the room back, to be called once
   * @throws Rejection `overloaded`
   */
  enter(content: number): () => void {
    const bytes = content + OVERHEAD;
    if (this.#count > 0 && this.#bytes + bytes > this.#limit)
      throw new Rejection(
        'overloaded',
        `${this.#count} ${this.#what} (${this.#bytes} bytes, limit ${this.#limit})`,
      );
    this.#bytes += bytes;
    this.#count++;
    return () => {
      this.#bytes -= bytes;
      this.#count--;
    };
  }
}
