import { z } from 'zod';
import { bool, field, pattern, refuse, setting } from '../../config/fields.ts';
import type { Names } from '../../config/pattern/meaning.ts';
import { Float, type Value } from '../../envelope/value.ts';

const INPUTS: Names = { what: 'an input' };

type Plain = string | number | boolean;

const plain = () =>
  field(
    'a text, a number, true or false',
    (value): Plain | undefined => {
      if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
      return typeof value === 'string' || typeof value === 'boolean' ? value : undefined;
    },
    { type: ['string', 'number', 'boolean'] },
  );

const number = () =>
  field('a number', (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined), {
    type: 'number',
  }).optional();

const range = () =>
  z
    .strictObject({ from: setting('the least', number()), to: setting('the most', number()) })
    .superRefine(({ from, to }, context) => {
      if (from === undefined && to === undefined) refuse(context, [], 'give from, to or both');
      if (from !== undefined && to !== undefined && from > to)
        refuse(context, ['to'], `is less than ${from} (from), so nothing fits`);
    });

const WORDS = ['equals', 'one_of', 'matches', 'range', 'present'] as const;

/** What an input has to be. */
export const input = () =>
  z
    .strictObject({
      equals: setting('it is this', plain().optional()),
      one_of: setting('it is one of these', z.array(plain()).min(1).optional()),
      matches: setting(
        'it is a text, and all of it matches',
        pattern(INPUTS, {
          whole: true,
          allowed: 'a regular expression, for instance mysqld?',
        }).optional(),
      ),
      range: setting('it is a number of these, both ends included', range().optional()),
      present: setting('whether it is there at all', bool().optional()),
    })
    .superRefine((it, context) => {
      if (WORDS.filter((word) => it[word] !== undefined).length !== 1)
        refuse(context, [], `give one of ${WORDS.join(', ')}`);
    });

export type InputConfig = z.output<ReturnType<typeof input>>;

/** @returns undefined for what is no number */
const numberOf = (value: Value | undefined): number | bigint | undefined => {
  if (value instanceof Float) return value.value;
  return typeof value === 'number' || typeof value === 'bigint' ? value : undefined;
};

/** Numbers are the same in whatever form they were sent; a text is never a number. */
const isSame = (wanted: Plain, value: Value | undefined): boolean =>
  typeof wanted === 'number' ? numberOf(value) === wanted : value === wanted;

/** @returns whether a value fits; undefined stands for an input that is not there */
export const inputTest = ({
  equals,
  one_of: oneOf,
  matches,
  range,
  present,
}: InputConfig): ((value: Value | undefined) => boolean) => {
  if (equals !== undefined) return (value) => isSame(equals, value);
  if (oneOf !== undefined) return (value) => oneOf.some((one) => isSame(one, value));
  if (matches !== undefined) return (value) => typeof value === 'string' && matches.test(value);
  if (present !== undefined) return (value) => (value !== undefined) === present;
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = range ?? {};
  return (value) => {
    const given = numberOf(value);
    return given !== undefined && given >= from && given <= to;
  };
};
