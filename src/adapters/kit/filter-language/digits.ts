import { unsupported } from './refusal.ts';

export type Ordering = '<' | '>' | '<=' | '>=';

/** What holds of two numbers, or two words, exactly where the other does not. */
export const OPPOSITE = { '<': '>=', '>=': '<', '>': '<=', '<=': '>' } as const;

export const isOrdering = (operator: string): operator is Ordering => Object.hasOwn(OPPOSITE, operator);

const digit = (from: number, to: number): string => (from === to ? `${from}` : `[${from}-${to}]`);
const more = (count: number): string => (count === 0 ? '' : `[0-9]{${count}}`);

/** Ways to write numbers of as many digits as the bound has that are on the given side of it. */
const beside = (bound: string, side: 'above' | 'below'): readonly string[] =>
  [...bound].flatMap((char, index) => {
    const least = index === 0 && bound.length > 1 ? 1 : 0;
    const [from, to] = side === 'above' ? [Number(char) + 1, 9] : [least, Number(char) - 1];
    if (from > to) return [];
    return [`${bound.slice(0, index)}${digit(from, to)}${more(bound.length - index - 1)}`];
  });

/**
 * A regular expression, of Ruby's and Go's, for whole numbers in digits that compare so with a bound; undefined where
 * there are none. Digits with zeros in front do not match: to a legacy daemon they are octal; nor do more than 18, which
 * are no whole number to go-choria.
 * @param bound digits without zeros in front
 */
export const digitsPattern = (operator: Ordering, bound: string): string | undefined => {
  const length = bound.length;
  const shorter = length === 1 ? [] : ['0', `[1-9][0-9]{0,${length - 2}}`];
  const ways = operator.startsWith('>')
    ? [...beside(bound, 'above'), `[1-9][0-9]{${length},17}`]
    : [...shorter, ...beside(bound, 'below')];
  const all = operator.endsWith('=') ? [bound, ...ways] : ways;
  return all.length === 0 ? undefined : `\\A(?:${all.join('|')})\\z`;
};

/** Whole numbers that no side writes in another way. */
export const isWhole = (text: string): boolean => /^(?:0|[1-9]\d{0,14})$/.test(text);

/**
 * As `digitsPattern`, of a value as it was written.
 * @throws Rejection `unsupported_filter` where no number can be meant
 */
export const sizePattern = (operator: Ordering, bound: string, part: string): string => {
  if (!isWhole(bound))
    throw unsupported(
      part,
      'by size, facts are compared with whole numbers from 0: not with fractions, or with zeros in front',
    );
  const pattern = digitsPattern(operator, bound);
  if (pattern === undefined) throw unsupported(part, 'no whole number from 0 is less than 0');
  return pattern;
};
