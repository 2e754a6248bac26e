import type { Writable } from 'node:stream';

/** Bytes that are written at once when more come in one turn of the event loop. */
const BATCH_BYTES = 128 * 1024;

const END = Buffer.from('\r\n');

/**
 * Joins what one turn of the event loop has to say into few writes: TLS makes at least one record and one system
 * call of each, which for the 200 messages of one request would cost more than all else.
 */
export class Outbox {
  readonly #socket: Writable;
  #heads: string[] = [];
  #bodies: (readonly Uint8Array[])[] = [];
  #bytes = 0;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  /** A command: its line, without CR LF, and for one that carries a message the message's parts. */
  push(head: string, body?: readonly Uint8Array[]): void {
    this.#heads.push(head);
    this.#bodies.push(body ?? []);
    this.#bytes += Buffer.byteLength(head) + 2;
    if (body !== undefined) {
      this.#bytes += 2;
      for (const part of body) this.#bytes += part.byteLength;
    }
    if (this.#bytes >= BATCH_BYTES) this.flush();
    else this.#scheduled ??= setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
  }
}
