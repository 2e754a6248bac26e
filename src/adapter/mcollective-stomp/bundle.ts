import type { IncomingMessage } from '../../transport/link.ts';

/**
 * Puts together again what a client sends as one frame a node: frames that follow each other at once and are the
 * same but for the node. So a request is verified here and signed beyond once, not once a node.
 */
export class Bundle {
  readonly #take: (message: IncomingMessage, nodes: readonly string[]) => void;
  #open: { readonly message: IncomingMessage; readonly nodes: Set<string> } | undefined;
  #scheduled: NodeJS.Immediate | undefined;

  /** @param take gets the first frame and the nodes of all */
  constructor(take: (message: IncomingMessage, nodes: readonly string[]) => void) {
    this.#take = take;
  }

  add(message: IncomingMessage, node: string): void {
    const first = this.#open?.message;
    if (first === undefined || first.replyTo !== message.replyTo || !first.body.equals(message.body)) {
      this.flush();
      this.#open = { message, nodes: new Set() };
    }
    this.#open?.nodes.add(node);
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) this.#take(open.message, [...open.nodes]);
  }
}
