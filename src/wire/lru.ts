/** The entries that were used last, up to a number of them. */
export class Lru<Key, Entry> {
  private readonly size: number;
  private readonly entries = new Map<Key, Entry>();

  constructor(size: number) {
    this.size = size;
  }

  get(key: Key): Entry | undefined {
    const entry = this.entries.get(key);
    if (entry !== undefined) {
      // A Map keeps the order of insertion, so the first is the one unused for longest.
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return entry;
  }

  set(key: Key, entry: Entry): void {
    this.entries.delete(key);
    this.entries.set(key, entry);
    if (this.entries.size <= this.size) return;
    for (const oldest of this.entries.keys()) {
      this.entries.delete(oldest);
      return;
    }
  }
}
