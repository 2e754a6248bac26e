import { RE2JS } from 're2js';
import type { Pattern } from '../../envelope/pattern.ts';
import { type Anchors, anchorsOf, checkMeaning, type Names } from './meaning.ts';
import { PatternProblem, scan, unslashed } from './scan.ts';

/** A pattern of the configuration. */
export interface ConfiguredPattern extends Pattern {
  /** How many groups it has. */
  readonly groups: number;
  readonly anchors: Anchors;
}

/** RE2's own words, with what to write where that is not plain from them. */
const HINTS: readonly (readonly [start: string, hint: string])[] = [
  ['missing argument to repetition operator', 'there is nothing to repeat; any text is .*'],
  ['invalid nested repetition operator', 'one repetition follows another; put the first in a group'],
  ['missing closing )', 'a group is not closed; write \\( for the character itself'],
  ['unexpected )', 'a group ends that did not begin; write \\) for the character itself'],
  ['trailing backslash', 'it ends with a backslash'],
  [
    'invalid character class range',
    'there is no such set of characters; letters are [[:alpha:]], digits \\d',
  ],
  ['invalid escape sequence', 'this escape is not known'],
  ['invalid repeat count', 'it repeats too often; at most 1000 times'],
  ['duplicate capture group name', 'two groups have one name'],
];

const reasonOf = (error: unknown, source: string): string => {
  const message =
    error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
  const found = HINTS.find(([start]) => message.startsWith(start));
  const culprit = /: (`.*`)$/s.exec(message)?.[1];
  return found === undefined
    ? message
    : `${found[1]}${culprit === undefined || culprit === `\`${source}\`` ? '' : `: ${culprit}`}`;
};

/**
 * An expression as RE2 runs it: in time that grows with the text's length, whatever it is. Ruby's ways of writing are
 * translated where they mean the same in a name, which is one line.
 * @param whole whether it has to match all of a name
 * @throws PatternProblem with the reason: it is not one, it is of a dialect that cannot be translated, or it can match no name
 */
export const compilePattern = (text: string, names: Names, whole = false): ConfiguredPattern => {
  const pieces = scan(unslashed(text));
  const source = pieces.map((piece) => piece.text).join('');
  // By itself first: `a)(b` would be made whole by what is put round it.
  const bare = compile(source);
  const expression = whole ? compile(`\\A(?:${source})\\z`) : bare;
  checkMeaning(pieces, names, whole);
  return {
    source: text,
    groups: expression.groupCount(),
    anchors: anchorsOf(pieces),
    test: (name) => expression.matcher(name).find(),
    exec: (name) => {
      const matcher = expression.matcher(name);
      if (!matcher.find()) return null;
      return Array.from(
        { length: matcher.groupCount() + 1 },
        (_, group) => matcher.group(group) ?? undefined,
      );
    },
  };
};

const compile = (source: string): RE2JS => {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    throw new PatternProblem(reasonOf(error, source), { cause: error });
  }
};
