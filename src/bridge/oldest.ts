/**
 * Goes through a set, or the keys of a map, from the oldest on, for callers that take out each that they get. A new walk for each would pass
 * over all that was taken out before: V8 keeps a deleted member's place until the whole set is laid out anew.
 */
export class OldestFirst<T> {
  readonly #members: { keys(): Iterator<T> };
  #walk: Iterator<T>;

  constructor(members: { keys(): Iterator<T> }) {
    this.#members = members;
    this.#walk = members.keys();
  }

  /** The oldest that is left; undefined where none is. To be taken out of the set before the next is asked for. */
  next(): T | undefined {
    const { done, value } = this.#walk.next();
    if (done !== true) return value;
    // A walk that has come to its end stays there, whatever is added later.
    this.#walk = this.#members.keys();
    return this.#walk.next().value;
  }
}
