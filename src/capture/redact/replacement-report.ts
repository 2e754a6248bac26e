import { covers, type Path, type Selection } from './paths.ts';

/** How many values were replaced, and how many each path has led to. */
export class ReplacementReport {
  readonly #selection: Selection;
  readonly #found: number[];
  #values = 0;

  constructor(selection: Selection) {
    this.#selection = selection;
    this.#found = selection.paths.map(() => 0);
  }

  /** In all messages: one that the bridge has passed on counts on both sides. */
  get values(): number {
    return this.#values;
  }

  /** Paths that have led to no value, of a kind that is replaced or not. */
  get missed(): readonly Path[] {
    return this.#selection.paths.filter((_, i) => this.#found[i] === 0);
  }

  /** @param isReplaced whether it is a value that something else stands for: `nil` is not */
  found(place: Path, isReplaced: boolean): void {
    if (isReplaced) this.#values++;
    for (const [i, path] of this.#selection.paths.entries())
      if (covers(path, place)) this.#found[i] = (this.#found[i] ?? 0) + 1;
  }
}
