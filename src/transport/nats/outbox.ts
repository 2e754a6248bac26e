import type { Writable } from 'node:stream';

/** Bytes that are not left to wait for the end of the turn. */
const BATCH_BYTES = 64 * 1024;

const CR = 13;
const LF = 10;

interface Command {
  /** Its line, without CR LF. */
  readonly line: string;
  /** Of a command that carries a message, the block of headers and the body. */
  readonly content: readonly Uint8Array[] | undefined;
}

/**
 * Joins what is said together into few writes. Each write is a system call and at least one record of TLS, which for
 * the 200 messages of one request would cost more than all else. What is said first in a turn of the event loop goes
 * out right after the callback that said it, the rest at the end of the turn.
 */
export class Outbox {
  readonly #socket: Writable;
  #commands: Command[] = [];
  #bytes = 0;
  /** Set from the first command of a turn until its end. */
  #end: NodeJS.Immediate | undefined;

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  push(line: string, content?: readonly Uint8Array[]): void {
    this.#commands.push({ line, content });
    this.#bytes += Buffer.byteLength(line) + 2;
    if (content !== undefined) for (const part of content) this.#bytes += part.byteLength;
    if (content !== undefined) this.#bytes += 2;
    if (this.#bytes >= BATCH_BYTES) this.flush();
    else if (this.#end === undefined) {
      queueMicrotask(() => this.flush());
      this.#end = setImmediate(() => {
        this.#end = undefined;
        this.flush();
      });
    }
  }

  flush(): void {
    if (this.#bytes === 0) return;
    const batch = Buffer.allocUnsafe(this.#bytes);
    let at = 0;
    const end = (): void => {
      batch[at++] = CR;
      batch[at++] = LF;
    };
    for (const { line, content } of this.#commands) {
      at += batch.write(line, at);
      end();
      if (content === undefined) continue;
      for (const part of content) {
        batch.set(part, at);
        at += part.byteLength;
      }
      end();
    }
    this.#commands = [];
    this.#bytes = 0;
    // What ended it is known from its own events; a write now would only cover that up.
    if (!this.#socket.destroyed) this.#socket.write(batch);
  }
}
