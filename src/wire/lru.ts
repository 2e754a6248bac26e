/** The entries that were used last, up to a number of them. */
export class Lru<Key, Entry> {
  private readonly size: number;
  private readonly entries = new Map<Key, Entry>();
  private latest: { readonly key: Key; readonly entry: Entry } | undefined;

  constructor(size: number) {
    this.size = size;
  }

  get(key: Key): Entry | undefined {
    // Replies to one request come in a row.
    if (key === this.latest?.key) return this.latest.entry;
    const entry = this.entries.get(key);
    if (entry !== undefined) {
      // A Map keeps the order of insertion, so the first is the one unused for longest.
      this.entries.delete(key);
      this.entries.set(key, entry);
      this.latest = { key, entry };
    }
    return entry;
  }

  set(key: Key, entry: Entry): void {
    this.latest = { key, entry };
    this.entries.delete(key);
    this.entries.set(key, entry);
    if (this.entries.size <= this.size) return;
    for (const oldest of this.entries.keys()) {
      this.entries.delete(oldest);
      return;
    }
  }
}
