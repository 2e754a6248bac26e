import { type Pattern, parsePattern, patternText, type Range } from './pattern.ts';
import { unsupported } from './refusal.ts';

const UPPER: Range = [0x41, 0x5a];
const LOWER: Range = [0x61, 0x7a];
/** To Go the Kelvin sign is a `k` and the long s an `s`, where case does not count. */
const KELVIN: Range = [0x212a, 0x212a];
const LONG_S: Range = [0x17f, 0x17f];

const isBeyondAscii = ([, to]: Range): boolean => to >= 0x80;
const isCased = (range: Range): boolean =>
  isBeyondAscii(range) || overlap(range, UPPER) !== undefined || overlap(range, LOWER) !== undefined;

const overlap = (one: Range, other: Range): Range | undefined => {
  const [from, to] = [Math.max(one[0], other[0]), Math.min(one[1], other[1])];
  return from > to ? undefined : [from, to];
};

/** Whether it matches less, and not more, where case does not count: `[^a]` excludes `A` then. */
export const excludesLetters = (pattern: Pattern): boolean =>
  pattern.some((element) => element.is === 'set' && element.negated && element.ranges.some(isCased));

/** Go's `strings.ToLower`: letter by letter, where JavaScript looks at what stands beside a letter. */
export const lowered = (text: string): string =>
  [...text].map((char) => (char === '\u0130' ? 'i' : char.toLowerCase())).join('');

/** What go-choria compares without regard to case, in Ruby. */
export const ignoringCase = (source: string): string => `(?i:${source})`;

/** The range as Go's without regard to case. @param range of ASCII */
const inBothCases = (range: Range): readonly Range[] => {
  const shifted = (within: Range, by: number): readonly Range[] => {
    const found = overlap(range, within);
    return found === undefined ? [] : [[found[0] + by, found[1] + by]];
  };
  const cased = [range, ...shifted(UPPER, 0x20), ...shifted(LOWER, -0x20)];
  const has = (letter: number): boolean => cased.some(([from, to]) => from <= letter && letter <= to);
  return [...cased, ...(has(0x6b) ? [KELVIN] : []), ...(has(0x73) ? [LONG_S] : [])];
};

const refuseSet = (source: string): never => {
  throw unsupported(
    `/${source}/`,
    'within [ ], letters beyond ASCII have no case in Ruby but in go-choria; write (?:é|è)',
  );
};

/** The pattern, in which case counts, without what negated sets would add where it does not. */
const excludingBothCases = (pattern: Pattern, source: string): Pattern =>
  pattern.map((element) => {
    if (element.is !== 'set' || !element.negated) return element;
    if (element.ranges.some(isBeyondAscii)) refuseSet(source);
    return { ...element, ranges: element.ranges.flatMap(inBothCases) };
  });

const isOne = ([range, ...more]: readonly Range[]): boolean =>
  range !== undefined && more.length === 0 && range[0] === range[1];

/**
 * A regular expression that go-choria matches without regard to case, for Ruby: `less` matches at most what go-choria
 * does and `more` at least. Ruby's own `(?i:…)` does not say the same: `(?i:[^é])` matches `É`, and `(?i:ss)` the `ß`.
 * @param source of Go's, without slashes
 * @throws Rejection `unsupported_filter`
 */
export const withoutCase = (source: string, cases: 'less' | 'more'): string => {
  const pattern = parsePattern(source, 'go');
  if (cases === 'less') return patternText(excludingBothCases(pattern, source)) || '(?:)';
  for (const element of pattern)
    if (
      element.is === 'set' &&
      element.ranges.some(isBeyondAscii) &&
      (element.negated || !isOne(element.ranges))
    )
      refuseSet(source);
  return ignoringCase(patternText(pattern) || '(?:)');
};
