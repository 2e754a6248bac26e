import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digitsPattern, type Ordering } from '../../../../src/adapters/kit/filter-language/digits.ts';
import { withoutCase } from '../../../../src/adapters/kit/filter-language/letter-case.ts';
import {
  literalPattern,
  parsePattern,
  patternText,
} from '../../../../src/adapters/kit/filter-language/pattern.ts';
import { refused } from '../../choria/wire/support.ts';

const SUBJECTS = [
  '',
  'a',
  'ab',
  'a1',
  'A',
  'a-b',
  'a.b',
  'b\na',
  'a\n',
  '\na',
  'aab b',
  '11',
  '[a]',
  'é',
  'a\tb',
  'x\vy',
];

/** By pattern and subject: what Ruby matches. */
const inRuby = (
  patterns: readonly string[],
  subjects: readonly string[] = SUBJECTS,
): readonly (readonly boolean[])[] => {
  const script = `require 'json'; patterns, subjects = JSON.parse(STDIN.read)
    print JSON.generate(patterns.map { |p| r = Regexp.new(p); subjects.map { |s| !!s.match(r) } })`;
  const input = JSON.stringify([patterns, subjects]);
  const answers: readonly (readonly boolean[])[] = JSON.parse(
    execFileSync('ruby', ['-W0', '-e', script], { input }).toString(),
  );
  return answers;
};

/** A translated pattern for JavaScript, whose `\d`, `[…]` and repetitions are RE2's. */
const inGo = (pattern: string): RegExp =>
  new RegExp(
    pattern
      .replaceAll('\\A', '(?<![^])')
      .replaceAll('\\z', '(?![^])')
      .replaceAll('(?m:^)', '(?<![^\\n])')
      .replaceAll('(?m:$)', '(?![^\\n])'),
  );

const atom = fc.constantFrom(
  ...[
    'a',
    'b',
    '1',
    '.',
    '\\.',
    '\\-',
    '\\d',
    '\\w',
    '\\s',
    '\\S',
    '\\D',
    '\\W',
    '[a-b]',
    '[^a]',
    '[\\d.-]',
    '[\\sx]',
  ],
  ...['\\n', '\\x61', 'é', '[-a]', '[a\\]]', '\\/', '\\[', ' ', '%', '[.]'],
);
const patterns = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4 },
    atom,
    fc.constantFrom('^', '$', '\\A', '\\z'),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => a + b),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(atom, fc.constantFrom('*', '+', '?', '*?', '+?', '??', '{2}', '{1,}', '{0,2}', '{1,2}?'))
      .map(([a, b]) => a + b),
    tie('pattern').map((a) => `(${a})*`),
  ),
})).pattern;

describe('a regular expression', () => {
  it('of Ruby’s matches no more and no less than asked for, and of one line the same', () => {
    const sources = fc.sample(patterns, 500);
    for (const [index, truths] of inRuby(sources).entries()) {
      const pattern = parsePattern(sources[index] ?? '', 'ruby');
      const [less, more] = [inGo(patternText(pattern, 'less')), inGo(patternText(pattern, 'more'))];
      for (const [at, subject] of SUBJECTS.entries()) {
        const told = [less.test(subject), truths[at], more.test(subject)];
        const allowed = subject.includes('\n') ? [false, told[1], true] : [told[1], told[1], told[1]];
        const isFine = told.every((truth, where) => truth === allowed[where] || truth === told[1]);
        expect(isFine, JSON.stringify({ source: sources[index], subject, told })).toBe(true);
      }
    }
  });

  it('of Go’s matches the same in Ruby', () => {
    const sources = fc.sample(patterns, 500);
    const translated = sources.map((source) => patternText(parsePattern(source, 'go')));
    for (const [index, truths] of inRuby(translated).entries()) {
      // JavaScript's spaces are more than Go's.
      const known = (sources[index] ?? '')
        .replaceAll('[\\sx]', '[\\t\\n\\f\\r x]')
        .replaceAll('\\s', '[\\t\\n\\f\\r ]')
        .replaceAll('\\S', '[^\\t\\n\\f\\r ]');
      const original = inGo(known);
      for (const [at, subject] of SUBJECTS.entries())
        expect(truths[at], JSON.stringify({ source: sources[index], subject })).toBe(original.test(subject));
    }
  });

  it.each([
    ...[
      '(?=a)',
      '(?!a)',
      '(?<=a)',
      '(?<a>b)',
      '(?>a)',
      '(?i)a',
      '(?i:a)',
      '(?#a)',
      '\\1',
      '\\k<a>',
      '\\Z',
      '\\h',
      '\\R',
    ],
    ...[
      '\\b',
      '\\B',
      '\\G',
      '\\K',
      '\\p{L}',
      '\\u0061',
      '\\x80',
      '\\e',
      '\\Qa\\E',
      '[[:alpha:]]',
      '[a&&b]',
      '[!-&&a]',
      '[^\\x21-&&a]',
      '[a[b]]',
    ],
    ...[
      '[]',
      '[]a]',
      '[^]a]',
      '[b-a]',
      '[a-\\d]',
      '[\\d-z]',
      '[a-b-c]',
      '[\\b]',
      '[a',
      'a++',
      'a*+',
      'a**',
      'a?+',
    ],
    ...[
      'a{2}?',
      'a{2}+',
      'a{2}{2}',
      'a{,2}',
      'a{',
      'a{2,1}',
      'a{1001}',
      '(a{40}){40}',
      '*a',
      '(*a)',
      '^*',
      '(a',
      'a)',
    ],
    ...['\\', 'a'.repeat(1001), '('.repeat(60) + ')'.repeat(60)],
  ])('/%s/ is refused, because Ruby and Go do not agree on it', (source) => {
    for (const from of ['ruby', 'go'] as const) {
      const { message } = refused(
        () => parsePattern(source, from),
        'unsupported_filter',
        /Ruby and Go agree/,
      );
      expect(message).toContain(`/${source}/`.slice(0, 70));
    }
  });

  it('holds no sign that a filter string or a statement could misread', () => {
    const text = 'a=b<c>d!e~f/g.h(i)[j]{k}*+?|^$\\"\n`';
    expect(literalPattern(text)).toMatch(/^[\w\\]*$/);
    expect(inGo(`\\A${literalPattern(text)}\\z`).test(text)).toBe(true);
    expect(patternText(parsePattern('(a.b=c/d)', 'ruby'))).toBe('(?:a[^\\x0a]b\\x3dc\\x2fd)');
  });

  it('without options is what Ruby’s JSON wraps it in', () => {
    expect(patternText(parsePattern('(?-mix:a|b)', 'ruby'))).toBe('a|b');
  });
});

describe('a regular expression in which case does not count to Go', () => {
  const sources = ['a', 'k', 's', 'é', 'ß'].flatMap((letter) => [
    ...[letter, `${letter}{2}`, `[${letter}]`, `[${letter}x]`, `[^${letter}]`, `[^${letter}x]`],
    ...[`[^x]${letter}`, `(?:${letter}|x)`, `[^0-${letter}]`, `[A-${letter}]`],
  ]);
  const letters = [...'akésßKSAEÉẞſ\u212axX_é'];
  const subjects = [
    '',
    'ss',
    'SS',
    ...letters,
    ...letters.flatMap((one) => [`x${one}`, `${one}s`, one + one]),
  ];
  const taken = (cases: 'less' | 'more'): readonly string[] =>
    sources.filter((source) => {
      try {
        return withoutCase(source, cases) !== '';
      } catch {
        return false;
      }
    });

  it.each(['less', 'more'] as const)('matches %s in Ruby, or the same', (cases) => {
    const passed = taken(cases);
    expect(passed.length).toBeGreaterThan(30);
    const patterns = passed.map((source) => `\\A(?:${withoutCase(source, cases)})\\z`);
    for (const [index, truths] of inRuby(patterns, subjects).entries()) {
      const source = passed[index] ?? '';
      // JavaScript's flags are RE2's folding.
      const original = new RegExp(`^(?:${source})$`, 'iu');
      for (const [at, subject] of subjects.entries()) {
        const [ruby, go] = [truths[at], original.test(subject)];
        expect(ruby === go || ruby === (cases === 'more'), JSON.stringify({ source, subject })).toBe(true);
      }
    }
  });
});

describe('numbers in digits', () => {
  it('are compared by a regular expression as they are by size', () => {
    const operators: Readonly<Record<Ordering, (a: number, b: number) => boolean>> = {
      '<': (a, b) => a < b,
      '>': (a, b) => a > b,
      '<=': (a, b) => a <= b,
      '>=': (a, b) => a >= b,
    };
    const number = fc.oneof(
      fc.nat(9),
      fc.nat(120),
      fc.nat(2_000),
      fc.integer({ min: 0, max: 999_999_999_999_999 }),
    );
    fc.assert(
      fc.property(fc.constantFrom<Ordering>('<', '>', '<=', '>='), number, number, (operator, a, b) => {
        const pattern = digitsPattern(operator, `${b}`);
        expect(pattern !== undefined && inGo(pattern).test(`${a}`)).toBe(operators[operator](a, b));
        if (pattern !== undefined)
          for (const text of ['', `0${a || 1}`, `-${a}`, `${a}.5`, 'x'])
            expect(inGo(pattern).test(text)).toBe(false);
      }),
      { numRuns: 3_000 },
    );
    expect(digitsPattern('<', '0')).toBeUndefined();
  });
});
