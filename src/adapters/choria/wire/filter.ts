import { both, type Expression, type FunctionStatement } from '../../../envelope/expression.ts';
import { FACT_OPERATORS, type FactFilter, type FactOperator, type Filter } from '../../../envelope/filter.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { quoted } from '../../../envelope/text.ts';
import { parseExpr } from '../../kit/filter-language/expr-parser.ts';
import { exprText } from '../../kit/filter-language/expr-text.ts';
import { plainToChoria } from '../../kit/filter-language/plain-to-choria.ts';
import { checkEntries, checkText, checkTokens } from '../../kit/filter-language/refusal.ts';
import { toChoria } from '../../kit/filter-language/to-choria.ts';
import { allToLegacy } from '../../kit/filter-language/to-legacy.ts';
import { parseTokens, printTokens, type Token } from '../../kit/filter-language/tokens.ts';
import { isObject, type JsonObject } from './fields.ts';

const PARTS = new Set(['fact', 'cf_class', 'agent', 'identity', 'compound', 'collective']);

/** A part that were left out would select more nodes than were meant, so what is not understood is refused. */
const unsupported = (part: string, why: string): Rejection =>
  new Rejection('unsupported_filter', `the ${part} filter cannot be translated: ${why}`);

const list = (filter: JsonObject, part: string, required: boolean): readonly unknown[] => {
  const value = filter[part];
  if (value === undefined && !required) return [];
  if (value === undefined) throw new Rejection('missing_field', `the request's filter has no ${part}`);
  if (!Array.isArray(value)) throw unsupported(part, 'it is not a list');
  return value;
};

const texts = (filter: JsonObject, part: string, required = true): readonly string[] =>
  list(filter, part, required).map((entry) => {
    if (typeof entry !== 'string') throw unsupported(part, 'an entry is not a string');
    return entry;
  });

const isOperator = (text: unknown): text is FactOperator =>
  typeof text === 'string' && FACT_OPERATORS.has(text);

const decodeFact = (entry: unknown): FactFilter => {
  if (!isObject(entry)) throw unsupported('fact', 'an entry is not an object');
  const { fact, operator, value } = entry;
  if (typeof fact !== 'string' || typeof value !== 'string')
    throw unsupported('fact', 'the fact or the value of an entry is not a string');
  if (!isOperator(operator))
    throw unsupported('fact', `the operator is not one of ${[...FACT_OPERATORS].join(' ')}`);
  return { fact, operator, value };
};

/** The hash that MCollective's `Matcher.create_function_hash` makes of `name('params').value=compare`. */
const decodeFunction = (call: unknown): FunctionStatement => {
  // Made only where it is thrown: with its stack it takes longer than all else here.
  const wrong = (): Rejection =>
    unsupported('compound', 'an fstatement is not the hash that MCollective writes');
  if (!isObject(call)) throw wrong();
  const { name, params = null, value = null, operator, r_compare: compare } = call;
  if (typeof name !== 'string' || typeof operator !== 'string' || typeof compare !== 'string') throw wrong();
  if (params !== null && typeof params !== 'string') throw wrong();
  if (value !== null && typeof value !== 'string') throw wrong();
  return { name, params, value, operator, compare };
};

const decodeToken = (token: unknown): Token => {
  const entries = isObject(token) ? Object.entries(token) : [];
  const [entry] = entries;
  if (entry === undefined || entries.length !== 1)
    throw unsupported('compound', 'a token is not an object of one key');
  const [kind, content] = entry;
  if (kind === 'fstatement') return { kind: 'function', call: decodeFunction(content) };
  if (typeof content !== 'string') throw unsupported('compound', 'the text of a token is not a string');
  switch (kind) {
    case 'statement':
      return { kind: 'statement', text: content };
    case 'and':
    case 'or':
    case 'not':
    case '(':
    case ')':
      return { kind };
    default:
      throw unsupported('compound', `there is no token ${quoted(kind.slice(0, 32))}`);
  }
};

const decodeCompound = (tokens: unknown): Expression => {
  if (!Array.isArray(tokens)) throw unsupported('compound', 'an entry is not a list of tokens');
  // Go takes exactly one expression a list, and Ruby none.
  const [first] = tokens;
  if (tokens.length === 1 && isObject(first) && Object.keys(first).length === 1) {
    const { expr } = first;
    if (typeof expr === 'string') return parseExpr(expr);
  }
  return parseTokens(tokens.map(decodeToken));
};

const expressionIn = ([first]: readonly unknown[]): string => {
  const { expr } = isObject(first) ? first : {};
  return typeof expr === 'string' ? expr : '';
};

/** Counted first: any client can send them, and an expression that is not understood takes time, too. */
const compoundOf = (filter: JsonObject): readonly Expression[] => {
  const entries = list(filter, 'compound', true);
  checkEntries('compound', entries);
  const lists = entries.filter((entry): entry is readonly unknown[] => Array.isArray(entry));
  checkTokens(lists);
  checkText('compound', lists.map(expressionIn), Number.POSITIVE_INFINITY);
  return entries.map(decodeCompound);
};

/**
 * @param filter the `filter` of a request's envelope, in Ruby's or in Go's form
 * @throws Rejection `missing_field` or `unsupported_filter`, naming the part
 */
export const decodeFilter = (filter: JsonObject): Filter => {
  for (const part of Object.keys(filter))
    if (!PARTS.has(part)) throw unsupported(quoted(part.slice(0, 32)), 'there is no such filter');
  const collective = filter['collective'];
  if (collective !== undefined && typeof collective !== 'string')
    throw unsupported('collective', 'it is not a string');
  return {
    fact: list(filter, 'fact', true).map(decodeFact),
    cfClass: texts(filter, 'cf_class'),
    agent: texts(filter, 'agent', false),
    identity: texts(filter, 'identity'),
    compound: compoundOf(filter),
    ...(collective !== undefined && { collective }),
  };
};

/**
 * How a compound filter is written: `expr` for Go's nodes, one expression of go-choria's; `tokens` for Ruby's, the
 * lists of MCollective. Neither understands the other.
 */
export type CompoundStyle = 'expr' | 'tokens';

const encodeToken = (token: Token): JsonObject => {
  switch (token.kind) {
    case 'statement':
      return { statement: token.text };
    case 'function': {
      const { name, params, value, operator, compare } = token.call;
      // Ruby has no `value` key where the call is compared as a whole.
      return {
        fstatement: { name, params, ...(value !== null && { value }), operator, r_compare: compare },
      };
    }
    default:
      return { [token.kind]: token.kind };
  }
};

const encodeCompound = (compound: readonly Expression[], style: CompoundStyle): readonly unknown[] => {
  if (style === 'tokens') return allToLegacy(compound).map((one) => printTokens(one).map(encodeToken));
  if (compound.length === 0) return [];
  if (compound.length > 1 && compound.some(({ kind }) => kind === 'text'))
    throw unsupported(
      'compound',
      'one of several expressions is not understood, and cannot be joined with the others',
    );
  // Of several expressions go-choria wants no more than the greater half to hold.
  return [[{ expr: exprText(toChoria(both(...compound))) }]];
};

/**
 * The filter as an object for `JSON.stringify`. What came from a legacy client is said in Go's words in `expr`; Ruby's
 * nodes take it, and all nodes what came from Choria's clients, word for word.
 * @throws Rejection `unsupported_filter` for what nodes of the style cannot be asked
 */
export const encodeFilter = (given: Filter, style: CompoundStyle = 'tokens'): JsonObject => {
  if (style === 'expr') checkEntries('compound', given.compound);
  const filter = style === 'expr' && given.language === 'mcollective' ? plainToChoria(given) : given;
  return {
    fact: filter.fact.map(({ fact, value, operator }) => ({ fact, value, operator })),
    cf_class: filter.cfClass,
    agent: filter.agent,
    identity: filter.identity,
    compound: encodeCompound(filter.compound, style),
    ...(filter.collective !== undefined && { collective: filter.collective }),
  };
};
