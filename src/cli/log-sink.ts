/** Where the lines of a log go. */
export interface LogStream {
  write(text: string, done?: (error?: Error | null) => void): unknown;
}

export interface LogSinkOptions {
  readonly stream: LogStream;
  /** Makes a line of the log of a sentence. */
  readonly line: (sentence: string) => string;
  /** Told when lines begin to be lost, not for each. */
  readonly onLoss?: (error: Error) => void;
}

/**
 * Writes the lines of a log. A disk may be full for a while, and a program that runs for months goes on; the first line that can be
 * written again says how many could not.
 */
export const createLogSink = ({ stream, line, onLoss }: LogSinkOptions): ((text: string) => void) => {
  let missing = 0;
  return (text) => {
    const before = missing;
    missing = 0;
    const note =
      before === 0
        ? ''
        : line(`${before === 1 ? '1 line' : `${before} lines`} of this log could not be written`);
    stream.write(`${note}${text}`, (error) => {
      if (error === undefined || error === null) return;
      missing += before + 1;
      if (missing === 1) onLoss?.(error);
    });
  };
};
