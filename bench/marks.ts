/** Which of up to 32 nodes have done something with each of many requests, four bytes a request. */
export class Marks {
  #bits = new Uint32Array(1 << 16);
  /** Marks that were there already. */
  twice = 0;

  set(request: number, node: number): void {
    if (request >= this.#bits.length) {
      const larger = new Uint32Array(Math.max(request + 1, 2 * this.#bits.length));
      larger.set(this.#bits);
      this.#bits = larger;
    }
    const before = this.#bits[request] ?? 0;
    const bit = 1 << node;
    if ((before & bit) !== 0) this.twice++;
    this.#bits[request] = before | bit;
  }

  count(request: number): number {
    let count = 0;
    for (let bits = this.#bits[request] ?? 0; bits !== 0; bits &= bits - 1) count++;
    return count;
  }

  /** How many nodes have done it, for each of the first requests. */
  counts(requests: number): number[] {
    return Array.from({ length: requests }, (_, n) => this.count(n));
  }
}
