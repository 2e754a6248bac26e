import { analyse } from 'scslre';
import { describe, expect, it } from 'vitest';
import { literalsIn, sourceFiles } from './regular-expressions.ts';

// Every regular expression of the program may come to read what somebody sends. None may take time that grows with the
// square of a text's length: texts have megabytes. Two look for such a text: an analysis of the expression, which knows
// those that repeat one character, wherever in the expression; and attacks with some characters in turn.

const files = sourceFiles.filter((file) => literalsIn(file).length > 0);

/** How an expression comes to take more than linear time, by its structure. */
const reportsOn = (expression: RegExp): readonly string[] =>
  analyse(expression, { reportTypes: { Move: true, Self: true, Trade: true } }).reports.map(
    ({ type, character }) => `${type}: ${character.literal.source}`,
  );

const LENGTH = 8_000;
const PIECES = [
  ...' \t\n\r\0aAzfx0159.-_+/\\"\'`=:;,$#*|&<>(){}[]!?~%@^é\u2028',
  ...[
    '\r\n',
    '\n/',
    '\n ',
    'a.',
    'a-',
    'a,',
    '0,',
    '0_',
    '0:',
    '1.',
    '""',
    "''",
    '\\n',
    '\\"',
    '::',
    './',
    '<=',
    'a ',
    '.a.',
  ],
];
const ENDS = ['\u0001', 'x'];

/** What stands at an expression's beginning as it is, so that an attack can come to what is behind it. */
const beginning = ({ source }: RegExp): string =>
  (/^\^?((?:[\w "<=:-]|\\[/."\-:])+)(?![*+?{])/.exec(source)?.[1] ?? '').replace(/\\(.)/g, '$1');

/** @returns ms of this process's own time, whoever else uses the machine */
const run = (expression: RegExp, text: string): number => {
  const { user: started } = process.cpuUsage();
  if (expression.flags.includes('g')) text.replace(expression, '');
  else {
    expression.lastIndex = 0;
    expression.exec(text);
  }
  return (process.cpuUsage().user - started) / 1_000;
};

/** The least of some: compilation and collections of garbage count otherwise. */
const least = (expression: RegExp, text: string): number =>
  Math.min(...Array.from({ length: 4 }, () => run(expression, text)));

/** A quarter of what this machine takes for an expression whose time is quadratic. A step a character takes some hundredths of that. */
const SUSPICIOUS_MS = least(/(?:a\.)+$/, `${'a.'.repeat(LENGTH / 2)}x`) / 4;

/** The square of it is 16. */
const LONGER = 4;

/** The texts that take it long, and far more than four times as long when they have four times the length. */
function* attacksOn(expression: RegExp): Generator<string> {
  const begin = beginning(expression);
  const begins = [...new Set(['', 'a', begin, `${begin} `])];
  for (const piece of PIECES)
    for (const start of begins)
      for (const end of ENDS) {
        const textOf = (length: number): string => start + piece.repeat(length / piece.length) + end;
        const first = run(expression, textOf(LENGTH));
        if (first < SUSPICIOUS_MS) continue;
        const short = least(expression, textOf(LENGTH));
        if (short < SUSPICIOUS_MS) continue;
        if (least(expression, textOf(LONGER * LENGTH)) > 9 * short) yield JSON.stringify([start, piece, end]);
      }
}

describe('a regular expression', () => {
  it('is found where there is one', () => {
    const literals = sourceFiles.flatMap(literalsIn);
    expect(literals.length).toBeGreaterThan(150);
    expect(literals.map(({ expression }) => expression.source)).toContain('^\\w+=[\\w.-]+$');
  });

  it('that takes quadratic time is known by its structure, or by an attack', () => {
    for (const slow of [/\s+$/, /x*$/, /^\{(\d*)(,?)(\d*)\}/, /to create\W+([a-z-]+):/])
      expect([slow, reportsOn(slow)]).not.toEqual([slow, []]);
    // The first will do: each of them takes long by its nature.
    for (const slow of [/\s+$/, /(?:a\.)+$/])
      expect([slow, attacksOn(slow).next().done]).toEqual([slow, false]);
  });

  it.each(files)('of %s takes linear time', (file) => {
    for (const { where, expression } of literalsIn(file))
      expect([where, String(expression), reportsOn(expression), [...attacksOn(expression)]]).toEqual([
        where,
        String(expression),
        [],
        [],
      ]);
  });
});
