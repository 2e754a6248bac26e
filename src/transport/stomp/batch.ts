import type { OutgoingMessage } from '../link.ts';
import type { StompVersion } from './frame.ts';
import { writeSendHead } from './writer.ts';

/** Bytes that are joined for one write. */
const BATCH_BYTES = 64 * 1024;
/** A body from this size on is written as it is, not copied. */
const LARGE_BODY_BYTES = 16 * 1024;
/** Room for the frame that makes a batch full. */
const BUFFER_BYTES = BATCH_BYTES + 2 * LARGE_BODY_BYTES;
/** A batch up to this size is copied out, so that it does not hold the whole buffer. */
const SMALL_BATCH_BYTES = 16 * 1024;

const END = Buffer.from([0]);

/**
 * Joins SEND frames into few large buffers, because a write for each frame costs more than copying it. Large
 * bodies are passed on without a copy.
 */
export class FrameBatch {
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #length = 0;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /** Whether it is time to write what is in it. */
  get full(): boolean {
    return this.#bytes >= BATCH_BYTES;
  }

  /** @throws LinkError `protocol` for headers that this version cannot say; the batch stays as it was */
  add(message: OutgoingMessage, version: StompVersion): void {
    const head = writeSendHead(message, version);
    const { body } = message;
    // UTF-8 takes three bytes at most for each UTF-16 unit.
    const room = head.length * 3 + body.byteLength + 1;
    if (body.byteLength >= LARGE_BODY_BYTES || room > BUFFER_BYTES) {
      this.#cut();
      this.#parts.push(Buffer.from(head), body, END);
      this.#bytes += head.length + body.byteLength + 1;
      return;
    }
    if (room > BUFFER_BYTES - this.#length) this.#cut();
    const start = this.#length;
    const at = start + this.#buffer.write(head, start);
    this.#buffer.set(body, at);
    this.#length = at + body.byteLength + 1;
    this.#buffer[this.#length - 1] = 0;
    this.#bytes += this.#length - start;
  }

  /** The bytes to write, in order; none when nothing was added. The batch is empty then. */
  take(): readonly Uint8Array[] {
    this.#cut();
    const parts = this.#parts;
    this.#parts = [];
    this.#bytes = 0;
    return parts;
  }

  #cut(): void {
    if (this.#length === 0) return;
    const filled = this.#buffer.subarray(0, this.#length);
    if (filled.length > SMALL_BATCH_BYTES) this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#parts.push(filled.length > SMALL_BATCH_BYTES ? filled : Buffer.from(filled));
    this.#length = 0;
  }
}
