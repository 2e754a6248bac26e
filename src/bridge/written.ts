import type { Entry } from './entry.ts';
import { OldestFirst } from './oldest.ts';

/** Requests of this instance that were written up: a late reply to one is no other instance's. The oldest makes room. */
export class Written {
  readonly #capacity: number;
  /** By what replies find them by, their flows. */
  readonly #flows = new Map<string, string | undefined>();
  readonly #oldest = new OldestFirst(this.#flows);

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add({ key, flow, place, isOpaque }: Entry): void {
    this.#flows.set((isOpaque ? place : undefined) ?? key, flow);
    if (this.#flows.size <= this.#capacity) return;
    const oldest = this.#oldest.next();
    if (oldest !== undefined) this.#flows.delete(oldest);
  }

  has(key: string): boolean {
    return this.#flows.has(key);
  }

  flowOf(key: string): string | undefined {
    return this.#flows.get(key);
  }
}
