import type { ChalkInstance } from 'chalk';
import type { Line } from '../../telemetry/observe/line.ts';
import { coloursFor } from '../terminal.ts';

const styles = (chalk: ChalkInstance): Readonly<Record<Line['tone'], (text: string) => string>> => ({
  heading: chalk.bold,
  plain: (text) => text,
  faint: chalk.dim,
  alarm: chalk.yellow,
});

/** Lines in the colours of a terminal; without colours elsewhere, and where NO_COLOR is set. */
export const paint = (lines: readonly Line[], stream: NodeJS.WriteStream): readonly string[] => {
  const style = styles(coloursFor(stream));
  return lines.map(({ text, tone }) => (text === '' ? '' : style[tone](text)));
};
