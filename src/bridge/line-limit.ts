import type { Log, LogFields } from '../envelope/log.ts';

export interface LineLimitOptions {
  readonly log: Log;
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Lines of one kind in a window. */
  readonly most?: number;
  /** Ms. */
  readonly window?: number;
}

interface Kind {
  ends: number;
  lines: number;
  untold: number;
}

const MAX_LINES = 100;
const WINDOW_MS = 10_000;

/**
 * Lines that anybody may cause, by the thousand: so many of a kind in a while, and the next one after that says how
 * many were not told. All of them are counted elsewhere.
 */
export class LineLimit {
  readonly #options: Required<LineLimitOptions>;
  /** By kinds, which are this program's own names and so are few. */
  readonly #kinds = new Map<string, Kind>();

  constructor({ log, clock, most = MAX_LINES, window = WINDOW_MS }: LineLimitOptions) {
    this.#options = { log, clock, most, window };
  }

  tell(kind: string, level: 'info' | 'warn', fields: LogFields, message: string): void {
    const { log, clock, most, window } = this.#options;
    const now = clock();
    const known = this.#kinds.get(kind);
    const { untold = 0 } = known ?? {};
    if (known === undefined || now >= known.ends) {
      this.#kinds.set(kind, { ends: now + window, lines: 1, untold: 0 });
      log[level](untold === 0 ? fields : { ...fields, untold }, message);
    } else if (known.lines < most) {
      known.lines++;
      log[level](fields, message);
    } else known.untold++;
  }
}
