import { InvalidArgumentError } from 'commander';
import { RE2JS } from 're2js';
import { PatternProblem, scan } from '../config/pattern/scan.ts';

/** What is wrong in Ruby's syntax as well as in Go's, by the words of RE2. */
const WRONG_EVERYWHERE =
  /missing closing|unexpected \)|missing argument to repetition|trailing backslash|invalid repeat count/;

const failure = (source: string): string | undefined => {
  try {
    RE2JS.compile(source);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
  }
};

const dialectOf = (source: string): string | undefined => {
  try {
    scan(source);
    return undefined;
  } catch (error) {
    if (error instanceof PatternProblem) return error.message;
    throw error;
  }
};

/**
 * Looks at a regular expression that nodes are to match, as it goes out. They say nothing of one that they cannot read: they
 * do not answer.
 * @param text between slashes, or bare where `bare` says so
 * @param warn told where only nodes in Ruby can read it
 * @throws InvalidArgumentError where no node can
 */
export const checkNodeRegex = (text: string, warn: (sentence: string) => void, bare = false): void => {
  const flags = /^\/.+\/([a-z]+)$/s.exec(text)?.[1];
  if (flags !== undefined)
    throw new InvalidArgumentError(
      `Flags behind the slashes are not known to nodes: write ${text.slice(0, -flags.length).replace('/', `/(?${flags})`)}.`,
    );
  const source = /^\/(.+)\/$/s.exec(text)?.[1] ?? (bare ? text : undefined);
  if (source === undefined) return;
  const reason = failure(source);
  if (reason === undefined) return;
  if (WRONG_EVERYWHERE.test(reason))
    throw new InvalidArgumentError(`It is no regular expression: ${reason}.`);
  warn(
    `only nodes in Ruby can read the regular expression ${text}: ${dialectOf(source) ?? reason}; others do not answer`,
  );
};
