import type { Request } from '../envelope/message.ts';
import { isAskedBy } from './asked.ts';
import type { Entry } from './entry.ts';

/** Opaque requests that are open under one id and one reply subject; the oldest makes room. */
const MAX_ALIKE = 16;

/**
 * Open requests by where their replies go, the oldest first: those that were addressed to nodes, of which further messages may
 * come, apart for each caller; and all opaque ones, whose replies say no more.
 */
export class Alike {
  readonly #places = new Map<string, readonly Entry[]>();

  /** The one that a message to these nodes is a further part of. */
  continued(place: string, request: Request, nodes: readonly string[]): Entry | undefined {
    return this.#places.get(place)?.findLast((entry) => isAskedBy(entry, request) && entry.mayTake(nodes));
  }

  /** Of opaque ones whose replies go there: the one that waits for the node; else the last one that went to all; else the last. */
  awaiting(place: string, node: string): Entry | undefined {
    const alike = this.#places.get(place)?.filter((entry) => entry.isOpaque);
    return (
      alike?.find((entry) => entry.isWaitingFor(node || undefined)) ??
      alike?.findLast((entry) => entry.isBroadcast) ??
      alike?.at(-1)
    );
  }

  /** The one that has to go before another comes there. */
  surplus(place: string): Entry | undefined {
    const alike = this.#places.get(place);
    return alike !== undefined && alike.length >= MAX_ALIKE ? alike[0] : undefined;
  }

  add(place: string, entry: Entry): void {
    const alike = this.#places.get(place);
    this.#places.set(place, alike === undefined ? [entry] : [...alike, entry]);
  }

  remove(place: string, entry: Entry): void {
    const alike = this.#places.get(place) ?? [];
    // Mostly it is the only one.
    if (alike.length > 1)
      this.#places.set(
        place,
        alike.filter((one) => one !== entry),
      );
    else if (alike[0] === entry) this.#places.delete(place);
  }
}
