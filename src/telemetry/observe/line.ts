/** A line of text, and what it is to its reader. */
export interface Line {
  readonly text: string;
  readonly tone: 'heading' | 'plain' | 'faint' | 'alarm';
}

export const plain = (text = ''): Line => ({ text, tone: 'plain' });
export const heading = (text: string): Line => ({ text, tone: 'heading' });
export const faint = (text: string): Line => ({ text, tone: 'faint' });
export const alarm = (text: string): Line => ({ text, tone: 'alarm' });

const LONGEST_TEXT = 200;

/** What somebody on the network wrote, fit for a terminal: on one line, without escape sequences. */
export const printable = (text: string): string => {
  const clean = text.slice(0, LONGEST_TEXT).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
  return text.length > LONGEST_TEXT ? `${clean}…` : clean;
};

const clip = (line: Line, columns: number): Line =>
  line.text.length > columns ? { ...line, text: `${line.text.slice(0, Math.max(0, columns - 1))}…` } : line;

/** The lines as a terminal of this size can show them: cut off at its right, and the last line says what is missing below. */
export const crop = (lines: readonly Line[], columns: number, rows: number): readonly Line[] => {
  const shown =
    lines.length <= rows
      ? lines
      : [
          ...lines.slice(0, rows - 1),
          faint(`… ${lines.length - rows + 1} more lines: enlarge the terminal, or choose with --instance`),
        ];
  return shown.map((line) => clip(line, columns));
};
