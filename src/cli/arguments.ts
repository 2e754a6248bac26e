import { InvalidArgumentError, Option } from 'commander';
import { parseJson } from '../adapters/choria/wire/index.ts';
import { isIdentity } from '../envelope/check.ts';
import { FACT_OPERATORS, type FactFilter, type FactOperator } from '../envelope/filter.ts';
import { Rejection } from '../envelope/rejection.ts';
import { quoted } from '../envelope/text.ts';
import { parseTime, TIME_FORM } from '../envelope/time.ts';
import type { Value } from '../envelope/value.ts';
import { checkNodeRegex } from './node-regex.ts';
import { escapeControls } from './terminal.ts';

const isOperator = (text: string): text is FactOperator => FACT_OPERATORS.has(text);

/** MCollective's `Util.parse_fact_string`: longer operators first, `=>` and `=<` as people mistype them. */
const FACT = /^([^\s=<>!~]+)\s*(<=|>=|=>|=<|==|!=|=~|<|>|=)\s*(\S.*|\s)$/s;
const MISTYPED: Readonly<Record<string, FactOperator>> = { '=>': '>=', '=<': '<=' };
const PATTERN = /^\/.+\/$/s;

const warn = (sentence: string): void => void process.stderr.write(`mcbridge: ${escapeControls(sentence)}\n`);

/**
 * `country=uk`, `cores>=4`, `name=~^web`, `name=/^web/`.
 * @throws InvalidArgumentError
 */
export const parseFact = (text: string): FactFilter => {
  const [, fact, sign, value] = FACT.exec(text) ?? [];
  if (fact === undefined || sign === undefined || value === undefined)
    throw new InvalidArgumentError('A fact filter is fact=value, with one of = == != =~ < > <= >= between.');
  if (sign === '=') checkNodeRegex(value, warn);
  if (sign === '=') return { fact, operator: PATTERN.test(value) ? '=~' : '==', value };
  if (sign === '=~') checkNodeRegex(value, warn, true);
  const operator = MISTYPED[sign] ?? sign;
  if (!isOperator(operator)) throw new InvalidArgumentError(`${sign} is no operator.`);
  return { fact, operator, value };
};

/** A class, or /regex/. @throws InvalidArgumentError */
export const parseClass = (text: string): string => {
  checkNodeRegex(text, warn);
  return text;
};

/** @throws InvalidArgumentError */
export const parseIdentity = (text: string): string => {
  checkNodeRegex(text, warn);
  if (isIdentity(text) || PATTERN.test(text)) return text;
  throw new InvalidArgumentError('An identity is a name, or a regular expression between slashes.');
};

/** @throws InvalidArgumentError */
export const parseNode = (text: string): string => {
  if (isIdentity(text)) return text;
  throw new InvalidArgumentError('A node is named by its identity: letters, digits, _ - and dots inside it.');
};

/** A time as ms since the epoch. @throws InvalidArgumentError */
export const timeOption = (text: string): number => {
  const time = parseTime(text);
  if (time === undefined) throw new InvalidArgumentError(`Give ${TIME_FORM}; without a zone it is UTC.`);
  return time;
};

/** Seconds as milliseconds. @throws InvalidArgumentError */
export const parseSecondsAsMs = (text: string): number => {
  const seconds = Number(text);
  if (/^[\d.]+$/.test(text) && seconds > 0 && seconds <= 3600) return Math.ceil(seconds * 1000);
  throw new InvalidArgumentError('A time is a number of seconds above 0 and up to 3600.');
};

/** An option in seconds, which the command gets in ms and the help shows as it would be written. */
export const secondsOption = (flags: string, description: string, byDefault?: number): Option => {
  const option = new Option(flags, description).argParser(parseSecondsAsMs);
  return byDefault === undefined ? option : option.default(byDefault * 1000, `${byDefault}`);
};

/** For options that can be repeated. */
export const collecting =
  <T>(parse: (text: string) => T) =>
  (text: string, earlier: readonly T[] = []): readonly T[] => [...earlier, parse(text)];

/** One input of an action. */
export type Input = readonly [key: string, value: Value];

const INPUT = /^([^=:\s]+)(:?)=(.*)$/s;

const jsonOr = (text: string): Value => {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof Rejection && error.code === 'malformed_json') return text;
    throw error instanceof Rejection ? new InvalidArgumentError(error.message) : error;
  }
};

/**
 * One input of an action: `key=value`, where a value that is JSON counts as what it says and any other as text;
 * `key:=value` is the text as it stands, whatever it looks like.
 * @throws InvalidArgumentError
 */
export const parseInput = (text: string): Input => {
  const [, key, raw, value] = INPUT.exec(text) ?? [];
  if (key === undefined || value === undefined)
    throw new InvalidArgumentError(`${quoted(text)} is no input: write key=value.`);
  return [key, raw === ':' ? value : jsonOr(value)];
};
