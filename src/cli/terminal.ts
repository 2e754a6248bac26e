import { Chalk, type ChalkInstance } from 'chalk';

/** Of a stream, what tells whether it is a terminal. */
interface MaybeTerminal {
  readonly isTTY?: boolean;
}

/** Whether a line can be written over: a terminal, and not one that obeys no escapes (`TERM=dumb`, as in Emacs). */
export const canRedraw = (stream: MaybeTerminal): boolean =>
  stream.isTTY === true && process.env['TERM'] !== 'dumb';

/** Whether to use colours: in such a terminal, unless NO_COLOR (https://no-color.org) is set. */
export const canColour = (stream: MaybeTerminal): boolean => canRedraw(stream) && !process.env['NO_COLOR'];

/** Colours for a stream that can show them; else plain text. */
export const coloursFor = (stream: MaybeTerminal): ChalkInstance =>
  new Chalk({ level: canColour(stream) ? 1 : 0 });

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
export const escapeControls = (text: string): string =>
  text.replace(
    INVISIBLE,
    (char) => SHORT[char] ?? `\\u{${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`,
  );

/** The same for a text of several lines, such as a message that quotes a file, or a stack. */
export const escapeLines = (text: string): string => text.split('\n').map(escapeControls).join('\n');

const BAR_CHARS = 30;
/** Ms. */
const REDRAW_INTERVAL_MS = 100;

const amount = (count: number, noun: string): string =>
  count !== 1 && noun.endsWith('y') ? `${count} ${noun.slice(0, -1)}ies` : counted(count, noun);

/** Of a stream, what a progress bar needs. */
export interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** How many replies, or other things, have come, on a line that is written over; nothing where there is no terminal. */
export class ProgressBar {
  readonly #stream: Screen;
  readonly #total: number | undefined;
  readonly #noun: string;
  #count = 0;
  #shown = Number.NEGATIVE_INFINITY;

  /**
   * @param total how many will come at most, where that is known
   * @param noun what comes
   */
  constructor(stream: Screen, total: number | undefined, noun = 'reply') {
    this.#stream = stream;
    this.#total = total;
    this.#noun = noun;
    this.#draw();
  }

  step(): void {
    this.#count++;
    this.#draw();
  }

  /** For things that come by the thousand: drawn only as often as people can read. */
  showAt(count: number): void {
    this.#count = count;
    const now = performance.now();
    if (now - this.#shown < REDRAW_INTERVAL_MS) return;
    this.#shown = now;
    this.#draw();
  }

  /** Takes the line away. */
  end(): void {
    if (canRedraw(this.#stream)) this.#stream.write('\r\x1b[K');
  }

  #draw(): void {
    if (!canRedraw(this.#stream)) return;
    const total = this.#total;
    if (total === undefined) {
      this.#stream.write(`\r\x1b[K${amount(this.#count, this.#noun)}`);
      return;
    }
    const filled =
      total === 0 ? BAR_CHARS : Math.min(BAR_CHARS, Math.floor((this.#count / total) * BAR_CHARS));
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_CHARS - filled);
    this.#stream.write(`\r\x1b[K${bar} ${this.#count}/${total}`);
  }
}
