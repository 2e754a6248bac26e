/** A line of text, and what it is to its reader. */
export interface Line {
  readonly text: string;
  readonly tone: 'heading' | 'plain' | 'faint' | 'alarm';
}

export const plain = (text = ''): Line => ({ text, tone: 'plain' });
export const heading = (text: string): Line => ({ text, tone: 'heading' });
export const faint = (text: string): Line => ({ text, tone: 'faint' });
export const alarm = (text: string): Line => ({ text, tone: 'alarm' });

const MAX_TEXT_CHARS = 200;

/** A text from the network, fit for a terminal: on one line, without escape sequences. */
export const singleLine = (text: string): string => {
  const clean = text.slice(0, MAX_TEXT_CHARS).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
  return text.length > MAX_TEXT_CHARS ? `${clean}…` : clean;
};

const clip = (line: Line, columns: number): Line =>
  line.text.length > columns ? { ...line, text: `${line.text.slice(0, Math.max(0, columns - 1))}…` } : line;

/** The lines as a terminal of this size can show them: cut off at its right, and the last line says what is missing below. @param more what to do about that */
export const crop = (
  lines: readonly Line[],
  columns: number,
  rows: number,
  more = 'enlarge the terminal, or choose with --instance',
): readonly Line[] => {
  const shown =
    lines.length <= rows
      ? lines
      : [...lines.slice(0, rows - 1), faint(`… ${lines.length - rows + 1} more lines: ${more}`)];
  return shown.map((line) => clip(line, columns));
};
