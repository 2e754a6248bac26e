import type { Tally } from '../../capture/record/tally.ts';
import type { ReplacementReport } from '../../capture/redact/replacement-report.ts';
import { canRedraw, counted, escapeControls, type Screen } from '../terminal.ts';

/** Ms between updates on a terminal, and between lines elsewhere. */
const TERMINAL_INTERVAL_MS = 200;
const LOG_INTERVAL_MS = 10_000;
const ERASE = '\r\u001b[K';

const KILO = 1000;

/** `4.2 kB` */
export const sized = (bytes: number): string => {
  if (bytes < KILO) return `${bytes} B`;
  if (bytes < KILO ** 2) return `${(bytes / KILO).toFixed(1)} kB`;
  return `${(bytes / KILO ** 2).toFixed(1)} MB`;
};

const ways = (tally: Tally): string => {
  const sum = (dir: 'in' | 'out'): number =>
    tally.flows.reduce((total, flow) => total + (flow.dir === dir ? flow.messages : 0), 0);
  return `${sum('in')} in, ${sum('out')} out`;
};

/** What was recorded so far, in a line. */
export const stateOf = (tally: Tally): string => {
  const left = [...tally.leftOut.values()].reduce((sum, count) => sum + count, 0);
  return [
    `${counted(tally.messages, 'message')} (${ways(tally)}), ${sized(tally.bytes)}`,
    ...(left === 0 ? [] : [`${left} left out`]),
    ...(tally.dropped === 0 ? [] : [`${tally.dropped} lost: the disk is too slow`]),
  ].join(', ');
};

/** A line that is written over on a terminal; elsewhere a line now and then, where anything has changed. */
export class Progress {
  readonly #stream: Screen;
  readonly #tally: Tally;
  readonly #timer: NodeJS.Timeout;
  #last: string;

  constructor(tally: Tally, stream: Screen = process.stderr) {
    this.#stream = stream;
    this.#tally = tally;
    this.#last = stateOf(tally);
    this.#timer = setInterval(() => this.#show(), canRedraw(stream) ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS);
    if (canRedraw(stream)) this.#show();
  }

  /** A line of its own. */
  note(text: string): void {
    this.#stream.write(`${canRedraw(this.#stream) ? ERASE : ''}mcbridge: ${escapeControls(text)}\n`);
    if (canRedraw(this.#stream)) this.#show();
  }

  end(): void {
    clearInterval(this.#timer);
    if (canRedraw(this.#stream)) this.#stream.write(ERASE);
  }

  #show(): void {
    const state = stateOf(this.#tally);
    if (canRedraw(this.#stream)) this.#stream.write(`${ERASE}recording: ${state}`);
    else if (state !== this.#last) this.#stream.write(`mcbridge: ${state}\n`);
    this.#last = state;
  }
}

/** Reports that there was no message, which is hardly intended, and makes the process fail. */
export const warnOfNothing = (tally: Tally, stream: Screen = process.stderr): void => {
  if (tally.messages > 0) return;
  stream.write('mcbridge: there was no message, so no file was written: nothing could be replayed\n');
  process.exitCode = 1;
};

/** Reports paths that have led to nothing: a misspelt path would leave in what it should have taken out. */
export const warnOfMissed = (
  replaced: ReplacementReport | undefined,
  stream: Screen = process.stderr,
): void => {
  const missed = replaced?.missed ?? [];
  if (missed.length === 0) return;
  const paths = missed.map((path) => path.join('.')).join(', ');
  stream.write(`mcbridge: nothing was replaced at ${paths}: no message has a value there\n`);
  process.exitCode = 1;
};

/** What a recording holds, and what not. */
export const summaryOf = (
  tally: Tally,
  files: readonly string[],
  replaced?: ReplacementReport,
): readonly string[] => {
  const width = Math.max(0, ...tally.flows.map(({ link }) => link.length));
  return [
    `recorded ${counted(tally.messages, 'message')}, ${sized(tally.bytes)}`,
    ...tally.flows.map(
      ({ link, side, dir, messages, bytes }) =>
        `  ${side.padEnd(7)} ${link.padEnd(width)} ${dir.padEnd(3)} ${counted(messages, 'message')}, ${sized(bytes)}`,
    ),
    ...(tally.rejected === 0 ? [] : [`and that the bridge refused ${counted(tally.rejected, 'message')}`]),
    ...(replaced === undefined ? [] : [`replaced ${counted(replaced.values, 'value')}`]),
    ...[...tally.leftOut].map(([reason, count]) => `left out ${counted(count, 'message')}: ${reason}`),
    ...(tally.dropped === 0
      ? []
      : [`lost ${counted(tally.dropped, 'message')}: they came faster than the disk took them`]),
    ...(tally.messages === 0 ? [] : [`written to ${files.join(', ')}`]),
  ];
};
