import { FACT_OPERATORS, type FactFilter, type FactOperator, type Filter } from '../../envelope/filter.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { toLegacy } from '../compound/to-legacy.ts';
import { parseTokens, printTokens, type Token } from '../compound/tokens.ts';
import { RubyHash, RubyRegexp, type RubyValue, symbol } from '../ruby/value.ts';
import { fieldText, shown } from './text.ts';

const isList = (value: RubyValue): value is readonly RubyValue[] => Array.isArray(value);
const hash = (entries: readonly (readonly [RubyValue, RubyValue])[]): RubyHash => new RubyHash(entries);

/**
 * The filter as a legacy request has it: string keys outside, symbol keys in the facts.
 * @throws Rejection `unsupported_filter` for a compound filter that legacy nodes cannot be asked
 */
export const filterToRuby = (filter: Filter): RubyHash => {
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
    ['compound', filter.compound.map((one) => printTokens(toLegacy(one)).map(tokenToRuby))],
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

/** @throws Rejection `invalid_field` or `unsupported_filter` naming the part */
export const filterFromRuby = (value: RubyValue | undefined): Filter => {
  if (!(value instanceof RubyHash)) throw new Rejection('missing_field', 'the request has no :filter hash');
  const collective = fieldText(value.string('collective'));
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
  };
};

const list = (filter: RubyHash, key: string): readonly RubyValue[] => {
  const value = filter.string(key) ?? filter.symbol(key) ?? [];
  if (!isList(value)) throw new Rejection('invalid_field', `the filter's ${key} is not a list`);
  return value;
};

const texts = (filter: RubyHash, key: string): readonly string[] =>
  list(filter, key).map((entry) => {
    if (entry instanceof RubyRegexp) return `/${entry.source}/`;
    const text = fieldText(entry);
    if (text === undefined)
      throw new Rejection('invalid_field', `the filter's ${key} holds something that is not text`);
    return text;
  });

const isOperator = (text: string): text is FactOperator => FACT_OPERATORS.has(text);

const factFromRuby = (value: RubyValue): FactFilter => {
  if (!(value instanceof RubyHash)) throw new Rejection('invalid_field', 'a fact filter is not a hash');
  const part = (name: string): string => {
    const found = value.symbol(name) ?? value.string(name);
    const text = found instanceof RubyRegexp ? `/${found.source}/` : fieldText(found);
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
    const value = call.string(name);
    if (value === undefined || value === null) return null;
    // A regular expression to compare with travels as an object in Marshal and as text in JSON; the matcher makes
    // one of the text again, so its options go inside.
    if (value instanceof RubyRegexp) return regexpText(value);
    return fieldText(value) ?? String(value);
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
