import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

// Every regular expression of the program may come to read what somebody sends. None may take time that grows with the
// square of a text's length: texts have megabytes.

const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url));

const LITERAL =
  /(?<=^|[=(,:[!&|?{};\s])\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+)\/([dgimsuvy]*)(?=[\s.,;)\]]|$)/g;

interface Found {
  readonly where: string;
  readonly expression: RegExp;
}

const literalsIn = (file: string): readonly Found[] =>
  readFileSync(SOURCES + file, 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      if (/^\s*(?:\*|\/\/|\/\*|import |export \{)/.test(line)) return [];
      return [...line.matchAll(LITERAL)].flatMap(([, source = '', flags = '']) => {
        try {
          return [{ where: `${file}:${index + 1}`, expression: new RegExp(source, flags) }];
        } catch {
          return [];
        }
      });
    });

const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const literals = files.flatMap(literalsIn);

const LENGTH = 4_000;
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

const run = (expression: RegExp, text: string): number => {
  const started = performance.now();
  if (expression.flags.includes('g')) text.replace(expression, '');
  else {
    expression.lastIndex = 0;
    expression.exec(text);
  }
  return performance.now() - started;
};

/** The quickest of some, as others use the machine too. */
const least = (expression: RegExp, text: string): number =>
  Math.min(...Array.from({ length: 5 }, () => run(expression, text)));

const STEP_BY_STEP = /^(?:[\s\S])*$/;

/** The texts that take it hundreds of times as long as an expression that takes one step a character. */
const attacksOn = (expression: RegExp): readonly string[] => {
  const begin = beginning(expression);
  const begins = [...new Set(['', 'a', begin, `${begin} `])];
  const found: string[] = [];
  for (const piece of PIECES)
    for (const start of begins)
      for (const end of ENDS) {
        const text = start + piece.repeat(LENGTH / piece.length) + end;
        if (run(expression, text) < 2) continue;
        if (least(expression, text) > 100 * least(STEP_BY_STEP, text))
          found.push(JSON.stringify([start, piece, end]));
      }
  return found;
};

describe('a regular expression', () => {
  it('is found where there is one', () => {
    expect(literals.length).toBeGreaterThan(150);
    expect(literals.map(({ expression }) => expression.source)).toContain('^\\w+=[\\w.-]+$');
  });

  it('that takes quadratic time is known by it', () => {
    for (const slow of [/\s+$/, /x*$/]) expect(attacksOn(slow)).not.toEqual([]);
  });

  it.each(files.filter((file) => literalsIn(file).length > 0))('of %s takes linear time', (file) => {
    for (const { where, expression } of literalsIn(file))
      expect([where, String(expression), attacksOn(expression)]).toEqual([where, String(expression), []]);
  });
});
