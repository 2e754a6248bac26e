import { z } from 'zod';
import { isToken } from '../envelope/check.ts';
import { type ConfiguredPattern, compilePattern } from './pattern/compile.ts';
import type { Names } from './pattern/meaning.ts';
import { PatternProblem } from './pattern/scan.ts';
import { Secret } from './secret.ts';
import { markSecret } from './secret-leaves.ts';
import { BYTES, parseBytes, parseSeconds, SECONDS } from './units.ts';

/** What a JSON schema of the configuration says of a value, for editors. */
export type JsonType = Readonly<Record<string, unknown>>;

const TEXT: JsonType = { type: 'string' };

/** Where a value is not text, a variable may stand in its place. */
export const orVariable = (...types: readonly JsonType[]): JsonType => ({
  anyOf: [...types, { type: 'string', pattern: '\\$\\{' }],
});

/** A number, or text that says it. */
const numeric = (minimum: number, maximum: number, { source: pattern }: RegExp): JsonType =>
  orVariable({ type: 'integer', minimum, maximum }, { type: 'string', pattern });

const DIGITS = /^\d{1,15}$/;

/**
 * One value of the configuration: `read` understands it or returns undefined, and then the user is told what is
 * `allowed`. All of the schema's leaves are made by this, so that no message can be without it.
 */
export const field = <T>(
  allowed: string,
  read: (value: unknown) => T | undefined,
  json: JsonType = TEXT,
  given = z.unknown(),
) =>
  given
    .transform((value, context): T => {
      const result = read(value);
      if (result !== undefined) return result;
      context.addIssue({ code: 'custom', message: 'is not allowed', params: { allowed } });
      return z.NEVER;
    })
    .meta({ description: allowed, ...json });

/** What a value may be, whatever makes it optional or goes on with it. */
const allowedBy = (schema: unknown): string | undefined => {
  if (!(schema instanceof z.ZodType)) return undefined;
  if (schema.description !== undefined) return schema.description;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return allowedBy(schema.unwrap());
  return schema instanceof z.ZodPipe ? allowedBy(schema.in) : undefined;
};

/**
 * A key of the configuration, with what it is for, as editors show it before what it may be.
 * @param more what a JSON schema says of it besides, such as a default that is put in later
 */
export const setting = <T extends z.ZodType>(about: string, schema: T, more: JsonType = {}): T => {
  const allowed = allowedBy(schema);
  const description = allowed === undefined ? about : `${about}: ${allowed}`;
  return schema.meta({ ...schema.meta(), description, ...more });
};

/** Refuses a combination of keys, pointing at the key that must go or change. */
export const refuse = <T>(
  context: z.core.$RefinementCtx<T>,
  path: readonly (string | number)[],
  message: string,
): void => {
  context.addIssue({ code: 'custom', path: [...path], message, params: { sentence: true } });
};

/**
 * Has a section's combinations checked also where single keys of it are wrong, so that one run names every problem.
 * Such a key is there, but is not what its type says: a check that runs with this may only ask what is there.
 */
export const ALWAYS: z.core.$ZodSuperRefineParams = {
  when: ({ value }) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** The keys of a section; none where there is something else in its place, which another sentence is about. */
export const keysOf = <T extends object>(section: T | undefined): Partial<T> | undefined =>
  typeof section === 'object' && section !== null && !Array.isArray(section) ? section : undefined;

/** Text of one line; `pattern` must match all of it. */
export const text = (allowed: string, accepts: (text: string) => boolean = () => true) =>
  field(allowed, (value) =>
    typeof value === 'string' && value !== '' && !/[\0\r\n]/.test(value) && accepts(value)
      ? value
      : undefined,
  );

export const token = (what: string) => text(`${what}: letters, digits, "_" and "-"`, isToken);

/** A text that no error shows. */
export const secret = (allowed: string) =>
  field(
    allowed,
    (value) => (typeof value === 'string' && value !== '' ? new Secret(value) : undefined),
    TEXT,
    markSecret(z.unknown()),
  );

export const choice = <const T extends string>(options: readonly T[]) =>
  field(
    options.map((option) => JSON.stringify(option)).join(', '),
    (value) => options.find((option) => option === value),
    orVariable({ enum: options }),
  );

/** Text counts too, because a value from the environment is always text. */
export const bool = () =>
  field(
    'true or false',
    (value) =>
      value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined,
    orVariable({ type: 'boolean' }, { enum: ['true', 'false'] }),
  );

export const integer = (min: number, max: number) =>
  field(
    `a whole number from ${min} to ${max}`,
    (value) => {
      const number = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value;
      return typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max
        ? number
        : undefined;
    },
    numeric(min, max, DIGITS),
  );

/** In seconds. */
export const seconds = (min: number, max: number) =>
  field(
    `a time from ${min} s to ${max} s, as seconds or as 30s, 10m, 1h`,
    (value) => within(parseSeconds(value), min, max),
    numeric(min, max, SECONDS),
  );

/** In bytes. */
export const bytes = (min: number, max: number) =>
  field(
    `a size from ${min} to ${max} bytes, as bytes or as 64kB, 64KiB, 4MB, 4MiB, 1GB, 1GiB`,
    (value) => within(parseBytes(value), min, max),
    numeric(min, max, BYTES),
  );

const within = (value: number | undefined, min: number, max: number): number | undefined =>
  value !== undefined && value >= min && value <= max ? value : undefined;

const PATTERN = 'a regular expression, for instance \\.mcollective$ or /\\.mcollective$/';

/**
 * A regular expression, `…` or `/…/` as Choria writes them.
 * @param names what it is to match
 * @param options.whole whether it has to match all of a name; else it matches anywhere unless it is anchored
 */
export const pattern = (names: Names, { whole = false, allowed = PATTERN } = {}) =>
  z
    .unknown()
    .transform((value, context): ConfiguredPattern => {
      const refused = (params: object, message = 'is not allowed'): never => {
        context.addIssue({ code: 'custom', message, params: { ...params, allowed } });
        return z.NEVER;
      };
      if (typeof value !== 'string' || value === '') return refused({});
      try {
        return compilePattern(value, names, whole);
      } catch (error) {
        if (!(error instanceof PatternProblem)) throw error;
        return refused({ reason: error.message });
      }
    })
    .meta({ description: allowed, ...TEXT });

const PATH = 'the path of a file or folder';

/** The name of a file or folder, made absolute by `resolve`. */
export const path = (resolve: (path: string) => string) =>
  text(PATH)
    .transform(resolve)
    .meta({ description: PATH, ...TEXT });
