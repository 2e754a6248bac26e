import { setTimeout as sleep } from 'node:timers/promises';
import { alarm, type Line, plain } from '../../telemetry/observe/line.ts';
import type { StatusDocument } from '../../telemetry/status/document.ts';
import { paint } from '../observe/paint.ts';
import { redrawn } from '../observe/redrawn.ts';
import { canRedraw, escapeControls } from '../terminal.ts';
import { formatStatus } from './format.ts';
import { NoStatus } from './source.ts';

export interface WatchOptions {
  readonly ask: (signal: AbortSignal) => Promise<StatusDocument>;
  /** Ms. */
  readonly every: number;
  readonly json: boolean;
}

/** What is known: the last status, and why there is no newer one. */
interface Seen {
  readonly status: StatusDocument | undefined;
  readonly trouble: string | undefined;
}

interface Display {
  show(seen: Seen): void;
  end(): void;
}

const ENDS = ['SIGINT', 'SIGTERM'] as const;

/** Shows how a bridge is again and again, until SIGINT or SIGTERM; also while it is away, for it may be started again. */
export const watchStatus = async ({ ask, every, json }: WatchOptions): Promise<void> => {
  const ended = new AbortController();
  const { signal } = ended;
  const end = (): void => ended.abort();
  for (const one of ENDS) process.once(one, end);
  const display = canRedraw(process.stdout) && !json ? screenDisplay() : streamDisplay(json);
  let status: StatusDocument | undefined;
  try {
    while (!signal.aborted) {
      let trouble: string | undefined;
      try {
        status = await ask(signal);
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof NoStatus)) throw error;
        trouble = error.message;
      }
      display.show({ status, trouble });
      await sleep(every, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    for (const one of ENDS) process.off(one, end);
    display.end();
  }
};

const troubleOf = (text: string): readonly Line[] =>
  text.split('\n').map((line) => alarm(escapeControls(line)));

const linesOf = ({ status, trouble }: Seen): readonly Line[] => [
  ...(trouble === undefined ? [] : troubleOf(trouble)),
  ...(trouble === undefined || status === undefined ? [] : [alarm('What was seen last:'), plain()]),
  ...(status === undefined ? [] : formatStatus(status)),
];

const screenDisplay = (): Display => {
  let now: Seen = { status: undefined, trouble: undefined };
  const screen = redrawn(() => linesOf(now), 'enlarge the terminal, or leave out --watch');
  return {
    show: (seen) => {
      now = seen;
      screen.draw();
    },
    end: screen.end,
  };
};

/** A block, or a line of JSON, each time; what is wrong once, on standard error. */
const streamDisplay = (isJson: boolean): Display => {
  let told: string | undefined;
  return {
    show: ({ status, trouble }) => {
      if (trouble !== undefined && trouble !== told)
        for (const { text } of troubleOf(trouble)) process.stderr.write(`mcbridge: ${text}\n`);
      told = trouble;
      if (trouble !== undefined || status === undefined) return;
      const text = isJson
        ? JSON.stringify(status)
        : `${paint(formatStatus(status), process.stdout).join('\n')}\n`;
      process.stdout.write(`${text}\n`);
    },
    end: () => undefined,
  };
};
