// @ts-check
import { Rejection } from 'mcbridge/adapter';

/**
 * @typedef {object} AnswerLimits
 * @property {number} lines
 * @property {number} lineBytes
 * @property {number} bytes of the whole answer
 */

const LINE_END = 0x0a;
const EMPTY = Buffer.alloc(0);

/** Cuts an answer into its lines as it comes. It never holds more than one line. */
export class Lines {
  #limits;
  #onLine;
  /** Room for a line that has begun. One buffer: a server may send a line byte by byte. */
  #begun = EMPTY;
  #begunBytes = 0;
  #bytes = 0;
  #lines = 0;

  /**
   * @param {AnswerLimits} limits
   * @param {(line: Buffer) => void} onLine
   */
  constructor(limits, onLine) {
    this.#limits = limits;
    this.#onLine = onLine;
  }

  /** @param {Buffer} chunk @throws Rejection where the answer goes beyond a limit */
  add(chunk) {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.bytes)
      throw new Rejection(
        'limit_exceeded',
        `the answer has more than ${this.#limits.bytes} bytes (max_answer_bytes)`,
      );
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_END, start);
      this.#take(chunk.subarray(start, end === -1 ? chunk.length : end));
      if (end === -1) return;
      this.#line();
      start = end + 1;
    }
  }

  /** The answer is whole: its last line may have no end. */
  end() {
    if (this.#begunBytes > 0) this.#line();
  }

  /** @param {Buffer} part */
  #take(part) {
    if (part.length === 0) return;
    const bytes = this.#begunBytes + part.length;
    if (bytes > this.#limits.lineBytes)
      throw new Rejection(
        'too_large',
        `a line of the answer has more than ${this.#limits.lineBytes} bytes (max_line_bytes)`,
      );
    if (bytes > this.#begun.length) {
      const roomier = Buffer.allocUnsafe(Math.max(bytes, this.#begun.length * 2));
      this.#begun.copy(roomier, 0, 0, this.#begunBytes);
      this.#begun = roomier;
    }
    part.copy(this.#begun, this.#begunBytes);
    this.#begunBytes = bytes;
  }

  #line() {
    if (++this.#lines > this.#limits.lines)
      throw new Rejection(
        'limit_exceeded',
        `the answer has more than ${this.#limits.lines} lines (max_lines)`,
      );
    const line = this.#begun.subarray(0, this.#begunBytes);
    // Whoever has the line keeps it.
    this.#begun = EMPTY;
    this.#begunBytes = 0;
    // A server may send empty lines while it waits for nodes.
    if (line.length > 0 && !(line.length === 1 && line[0] === 0x0d)) this.#onLine(line);
  }
}
