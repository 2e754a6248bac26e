import { Chalk, type ChalkInstance } from 'chalk';

/** Colours for a stream that is a terminal, unless NO_COLOR (https://no-color.org) is set; else plain text. */
export const coloursFor = (stream: NodeJS.WriteStream): ChalkInstance =>
  new Chalk({ level: stream.isTTY === true && !process.env['NO_COLOR'] ? 1 : 0 });

/** `1 node`, `2 nodes`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** A list for a sentence, cut after `max` entries. */
export const listed = (entries: readonly string[], max = 10): string =>
  entries.length <= max
    ? entries.join(', ')
    : `${entries.slice(0, max).join(', ')} and ${entries.length - max} more`;

/** Control characters, and those that only change how others look, such as right-to-left overrides. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** What came from outside, without what could steer the terminal. */
export const harmless = (text: string): string =>
  text.replace(
    INVISIBLE,
    (char) => SHORT[char] ?? `\\u{${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`,
  );

const WIDTH = 30;

/** Of a stream, what a progress bar needs. */
export interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** How many replies have come, on a line that is written over; nothing at all where nobody looks. */
export class ProgressBar {
  readonly #stream: Screen;
  readonly #total: number | undefined;
  #count = 0;

  /** @param total how many will come at most, where that is known */
  constructor(stream: Screen, total: number | undefined) {
    this.#stream = stream;
    this.#total = total;
    this.#draw();
  }

  step(): void {
    this.#count++;
    this.#draw();
  }

  /** Takes the line away. */
  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }

  #draw(): void {
    if (!this.#stream.isTTY) return;
    const total = this.#total;
    if (total === undefined) {
      this.#stream.write(`\r\x1b[K${this.#count} ${this.#count === 1 ? 'reply' : 'replies'}`);
      return;
    }
    const filled = total === 0 ? WIDTH : Math.min(WIDTH, Math.floor((this.#count / total) * WIDTH));
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
    this.#stream.write(`\r\x1b[K${bar} ${this.#count}/${total}`);
  }
}
