/**
 * How many directed frames may lie in the broker's queue unanswered, before requests go out as broadcasts that name
 * their nodes in the filter.
 *
 * ActiveMQ shows a queue's consumers its first 200 messages only (`maxPageSize`): frames for nodes that are not
 * there lie at the front until they expire and, once they are that many, keep everybody's frames from their nodes.
 * Choria's clients send all targets to every federation, so most of them may be elsewhere. Measured on 5.17.2.
 *
 * What is known here may be lost, or incomplete where another instance carries the replies; then more is broadcast
 * than need be.
 */
export class DirectLimit {
  readonly #limit: number;
  readonly #open = new Map<string, { unanswered: number; readonly expires: number }>();
  #unanswered = 0;

  /** @param limit frames; the page size of the broker, divided by the instances of the cluster */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Whether a request for so many nodes may go to the directed queue; notes it when so.
   * @param expires ms since the epoch when the broker drops what is left of it
   */
  admits(requestId: string, nodes: number, expires: number, now: number): boolean {
    if (this.#unanswered + nodes > this.#limit) this.#sweep(now);
    if (this.#unanswered + nodes > this.#limit) return false;
    // Clients send a long list of nodes in several messages with one request id.
    const earlier = this.#open.get(requestId)?.unanswered ?? 0;
    this.#open.set(requestId, { unanswered: earlier + nodes, expires });
    this.#unanswered += nodes;
    return true;
  }

  answered(requestId: string): void {
    const open = this.#open.get(requestId);
    if (open === undefined) return;
    this.#unanswered--;
    if (--open.unanswered === 0) this.#open.delete(requestId);
  }

  #close(requestId: string): void {
    this.#unanswered -= this.#open.get(requestId)?.unanswered ?? 0;
    this.#open.delete(requestId);
  }

  #sweep(now: number): void {
    for (const [requestId, { expires }] of this.#open) if (expires <= now) this.#close(requestId);
  }
}
