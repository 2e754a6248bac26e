import { RubyHash, RubyRegexp, RubySymbol, type RubyValue, symbol } from '../../../codec/ruby/value.ts';
import { shown } from '../../../codec/shown.ts';
import { FACT_OPERATORS, type FactFilter, type FactOperator, type Filter } from '../../../envelope/filter.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { plainToLegacy } from '../../kit/filter-language/plain-to-legacy.ts';
import { allToLegacy } from '../../kit/filter-language/to-legacy.ts';
import { parseTokens, printTokens, type Token } from '../../kit/filter-language/tokens.ts';
import { fieldText } from './text.ts';

const isList = (value: RubyValue): value is readonly RubyValue[] => Array.isArray(value);
const hash = (entries: readonly (readonly [RubyValue, RubyValue])[]): RubyHash => new RubyHash(entries);

/**
 * The filter as a legacy request has it: string keys outside, symbol keys in the facts.
 * @throws Rejection `unsupported_filter` for what legacy nodes cannot be asked
 */
export const filterToRuby = (given: Filter): RubyHash => {
  const filter = given.language === undefined ? plainToLegacy(given) : given;
  const entries: [RubyValue, RubyValue][] = [
    [
      'fact',
      filter.fact.map(({ fact, operator, value }) =>
        hash([
          [symbol('fact'), fact],
          [symbol('value'), value],
          [symbol('operator'), operator],
        ]),
      ),
    ],
    ['cf_class', filter.cfClass],
    ['agent', filter.agent],
    ['identity', filter.identity],
    ['compound', allToLegacy(filter.compound).map((one) => printTokens(one).map(tokenToRuby))],
  ];
  if (filter.collective !== undefined) entries.push(['collective', filter.collective]);
  return hash(entries);
};

const tokenToRuby = (token: Token): RubyHash => {
  switch (token.kind) {
    case 'statement':
      return hash([['statement', token.text]]);
    case 'function': {
      const { name, params, value, operator, compare } = token.call;
      return hash([
        [
          'fstatement',
          hash([
            ['r_compare', compare],
            ['operator', operator],
            ['value', value],
            ['name', name],
            ['params', params],
          ]),
        ],
      ]);
    }
    default:
      return hash([[token.kind, token.kind]]);
  }
};

const PARTS: ReadonlySet<string> = new Set([
  'fact',
  'cf_class',
  'agent',
  'identity',
  'compound',
  'collective',
]);

const nameOf = (key: RubyValue): string | undefined =>
  key instanceof RubySymbol ? undefined : fieldText(key);

/** What stands under a text, whatever its encoding: Ruby 1.8 declares none. */
const member = (of: RubyHash, name: string): RubyValue | undefined =>
  of.entries.findLast(([key]) => nameOf(key) === name)?.[1];

/**
 * A part that were left out (`puppet_class` of MCollective 1, or one of two) would select more nodes than were meant.
 * Daemons do not look at parts that are named by a symbol.
 */
const checkParts = (filter: RubyHash): void => {
  const parts = new Set<string>();
  for (const [key] of filter.entries) {
    const part = nameOf(key);
    if (part === undefined || !PARTS.has(part))
      throw new Rejection('unsupported_filter', `there is no filter ${shown(part ?? 'without a name')}`);
    if (parts.has(part)) throw new Rejection('unsupported_filter', `the ${part} filter is there twice`);
    parts.add(part);
  }
};

/**
 * Where nothing is asked, a daemon matches by `Util.empty_filter` and by `{}`, and by no other hash: not with a part
 * too few, nor with a collective. One with another collective than the request's is left to the code that compares them.
 */
const checkEmptiness = (filter: RubyHash, collective: string | undefined): void => {
  const { entries } = filter;
  const asks = (part: string): boolean => part !== 'collective' && list(filter, part).length > 0;
  const echo = member(filter, 'collective');
  if (collective !== undefined && (fieldText(echo) ?? collective) !== collective) return;
  const isWhole = entries.length === PARTS.size - 1 && echo === undefined;
  if (entries.length > 0 && !isWhole && ![...PARTS].some(asks))
    throw new Rejection(
      'unsupported_filter',
      'the filter asks nothing, but is not MCollective’s own empty one, so that daemons match nothing by it',
    );
};

/** The collective that a filter echoes. @throws Rejection `missing_field` for what is not a filter */
export const filterCollective = (value: RubyValue | undefined): string | undefined =>
  fieldText(member(filterHash(value), 'collective'));

const filterHash = (value: RubyValue | undefined): RubyHash => {
  if (!(value instanceof RubyHash)) throw new Rejection('missing_field', 'the request has no :filter hash');
  return value;
};

/**
 * @param requestCollective the collective that the request itself names
 * @throws Rejection `invalid_field` or `unsupported_filter` naming the part
 */
export const filterFromRuby = (given: RubyValue | undefined, requestCollective?: string): Filter => {
  const value = filterHash(given);
  checkParts(value);
  checkEmptiness(value, requestCollective);
  const collective = fieldText(member(value, 'collective'));
  return {
    fact: list(value, 'fact').map(factFromRuby),
    cfClass: texts(value, 'cf_class'),
    agent: texts(value, 'agent'),
    identity: texts(value, 'identity'),
    compound: list(value, 'compound').map((tokens) => {
      if (!isList(tokens))
        throw new Rejection('unsupported_filter', 'a compound filter is not a list of tokens');
      return parseTokens(tokens.map(tokenFromRuby));
    }),
    ...(collective === undefined ? {} : { collective }),
    language: 'mcollective',
  };
};

const list = (filter: RubyHash, key: string): readonly RubyValue[] => {
  const value = member(filter, key);
  if (value === undefined) return [];
  if (!isList(value)) throw new Rejection('invalid_field', `the filter's ${key} is not a list`);
  return value;
};

const texts = (filter: RubyHash, key: string): readonly string[] =>
  list(filter, key).map((entry) => {
    if (entry instanceof RubyRegexp) return slashedText(entry, key);
    const text = fieldText(entry);
    if (text === undefined)
      throw new Rejection('invalid_field', `the filter's ${key} holds something that is not text`);
    return text;
  });

/** Daemons take slashes out of a text, of an object they do not. */
const slashedText = (pattern: RubyRegexp, key: string): string => {
  if (pattern.source.includes('/'))
    throw new Rejection(
      'unsupported_filter',
      `the filter's ${key} holds the regular expression ${shown(pattern.source)}, with a slash`,
    );
  return `/${regexpText(pattern)}/`;
};

const isOperator = (text: string): text is FactOperator => FACT_OPERATORS.has(text);

const factFromRuby = (value: RubyValue): FactFilter => {
  if (!(value instanceof RubyHash)) throw new Rejection('invalid_field', 'a fact filter is not a hash');
  const part = (name: string): string => {
    // Daemons look up symbols alone.
    const found = value.symbol(name);
    const text = found instanceof RubyRegexp ? `/${regexpText(found)}/` : fieldText(found);
    if (text === undefined) throw new Rejection('invalid_field', `a fact filter has no ${name}`);
    return text;
  };
  const operator = part('operator');
  if (!isOperator(operator))
    throw new Rejection('unsupported_filter', `a fact filter has the unknown operator ${shown(operator)}`);
  return { fact: part('fact'), operator, value: part('value') };
};

const tokenFromRuby = (value: RubyValue): Token => {
  const entry = value instanceof RubyHash && value.entries.length === 1 ? value.entries[0] : undefined;
  const kind = fieldText(entry?.[0]);
  switch (kind) {
    case 'statement': {
      const text = fieldText(entry?.[1]);
      if (text !== undefined) return { kind, text };
      break;
    }
    case 'fstatement':
      if (entry?.[1] instanceof RubyHash) return functionFromRuby(entry[1]);
      break;
    case 'and':
    case 'or':
    case 'not':
    case '(':
    case ')':
      return { kind };
  }
  throw new Rejection(
    'unsupported_filter',
    `a compound filter has the unknown token ${kind === undefined ? 'without a name' : shown(kind)}`,
  );
};

const regexpText = ({ source, options }: RubyRegexp): string => {
  const on = `${options & 4 ? 'm' : ''}${options & 1 ? 'i' : ''}${options & 2 ? 'x' : ''}`;
  return on === '' ? source : `(?${on}:${source})`;
};

const functionFromRuby = (call: RubyHash): Token => {
  const text = (name: string): string | null => {
    const value = member(call, name);
    if (value === undefined || value === null) return null;
    // A regular expression to compare with travels as an object in Marshal and as text in JSON; the matcher makes
    // one of the text again, so its options go inside.
    if (value instanceof RubyRegexp) return regexpText(value);
    const known = typeof value === 'number' ? String(value) : fieldText(value);
    if (known === undefined)
      throw new Rejection('unsupported_filter', `the ${name} of a function in a compound filter is not text`);
    return known;
  };
  const name = text('name');
  const operator = text('operator');
  const compare = text('r_compare');
  if (name === null || operator === null || compare === null)
    throw new Rejection(
      'unsupported_filter',
      'a function in a compound filter lacks its name, operator or value',
    );
  return {
    kind: 'function',
    call: { name, params: text('params'), value: text('value'), operator, compare },
  };
};
