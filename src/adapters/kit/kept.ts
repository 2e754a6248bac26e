/** What ingresses of one name keep, also under a configuration before the one of now. */
export class Kept {
  readonly #all = new Map<unknown, unknown>();

  /** The one of that kind; made when it is first asked for. */
  of<T extends object>(kind: new () => T): T {
    const found = this.#all.get(kind);
    if (found instanceof kind) return found;
    const made = new kind();
    this.#all.set(kind, made);
    return made;
  }
}
