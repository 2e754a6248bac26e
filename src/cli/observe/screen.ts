/** The escape sequences of ECMA-48 and xterm that a redrawing program needs. */
const ESC = '\u001b[';
const ENTER = `${ESC}?1049h${ESC}?25l`;
const LEAVE = `${ESC}?25h${ESC}?1049l`;
const HOME = `${ESC}H`;
const ERASE_LINE_END = `${ESC}K`;
const ERASE_BELOW = `${ESC}J`;

/**
 * A terminal's alternate screen, redrawn in place; what was on the terminal before is back after `leave`.
 *
 * Drawing from the top of a screen of its own needs no counting of lines, which resizing makes wrong. (log-update 7.2
 * loses a line of the frame when another is inserted above it, which is what a new instance does to the table.)
 */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  #active = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  get columns(): number {
    return this.#stream.columns || 80;
  }

  get rows(): number {
    return this.#stream.rows || 24;
  }

  enter(): void {
    if (this.#active) return;
    this.#active = true;
    // However the process ends, short of SIGKILL, the terminal is as it was.
    process.on('exit', this.leave);
    this.#stream.write(ENTER);
  }

  readonly leave = (): void => {
    if (!this.#active) return;
    this.#active = false;
    process.off('exit', this.leave);
    this.#stream.write(LEAVE);
  };

  /** @param lines as many as there are rows at most, each no wider than the columns */
  draw(lines: readonly string[]): void {
    if (!this.#active) return;
    // No line feed after the last line: on the last row it would scroll the screen.
    const frame = lines.map((line) => line + ERASE_LINE_END).join('\n');
    this.#stream.write(HOME + frame + ERASE_BELOW);
  }
}
