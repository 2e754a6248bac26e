// @ts-check
import { Rejection } from 'mcbridge/adapter';

/**
 * @typedef {object} AnswerLimits
 * @property {number} lines
 * @property {number} lineBytes
 * @property {number} bytes of the whole answer
 */

const LINE_END = 0x0a;

/** Cuts an answer into its lines as it comes. It never holds more than one line. */
export class Lines {
  #limits;
  #onLine;
  /** @type {Buffer[]} */
  #begun = [];
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
    this.#begunBytes += part.length;
    if (this.#begunBytes > this.#limits.lineBytes)
      throw new Rejection(
        'too_large',
        `a line of the answer has more than ${this.#limits.lineBytes} bytes (max_line_bytes)`,
      );
    this.#begun.push(part);
  }

  #line() {
    if (++this.#lines > this.#limits.lines)
      throw new Rejection(
        'limit_exceeded',
        `the answer has more than ${this.#limits.lines} lines (max_lines)`,
      );
    const line = Buffer.concat(this.#begun);
    this.#begun = [];
    this.#begunBytes = 0;
    // A server may send empty lines while it waits for nodes.
    if (line.length > 0 && !(line.length === 1 && line[0] === 0x0d)) this.#onLine(line);
  }
}
