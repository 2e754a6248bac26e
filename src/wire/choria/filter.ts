import {
  type CompoundToken,
  FACT_OPERATORS,
  type FactFilter,
  type FactOperator,
  type Filter,
  type FunctionStatement,
} from '../../envelope/filter.ts';
import { Rejection } from '../../envelope/rejection.ts';
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
  const wrong = unsupported('compound', 'an fstatement is not the hash that MCollective writes');
  if (!isObject(call)) throw wrong;
  const { name, params = null, value = null, operator, r_compare: compare } = call;
  if (typeof name !== 'string' || typeof operator !== 'string' || typeof compare !== 'string') throw wrong;
  if (params !== null && typeof params !== 'string') throw wrong;
  if (value !== null && typeof value !== 'string') throw wrong;
  return { name, params, value, operator, compare };
};

const decodeToken = (token: unknown): CompoundToken => {
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
    case 'expr':
      return { kind: 'expression', text: content };
    case 'and':
    case 'or':
    case 'not':
    case '(':
    case ')':
      return { kind };
    default:
      throw unsupported('compound', `there is no token ${JSON.stringify(kind.slice(0, 32))}`);
  }
};

const decodeCompound = (tokens: unknown): readonly CompoundToken[] => {
  if (!Array.isArray(tokens)) throw unsupported('compound', 'an entry is not a list of tokens');
  const decoded = tokens.map(decodeToken);
  // Go takes exactly one expression a list, and Ruby none.
  if (decoded.length > 1 && decoded.some((token) => token.kind === 'expression'))
    throw unsupported('compound', 'an expression stands beside other tokens');
  return decoded;
};

/**
 * @param filter the `filter` of a request's envelope, in Ruby's or in Go's form
 * @throws Rejection `missing_field` or `unsupported_filter`, naming the part
 */
export const decodeFilter = (filter: JsonObject): Filter => {
  for (const part of Object.keys(filter))
    if (!PARTS.has(part)) throw unsupported(JSON.stringify(part.slice(0, 32)), 'there is no such filter');
  const collective = filter['collective'];
  if (collective !== undefined && typeof collective !== 'string')
    throw unsupported('collective', 'it is not a string');
  return {
    fact: list(filter, 'fact', true).map(decodeFact),
    cfClass: texts(filter, 'cf_class'),
    agent: texts(filter, 'agent', false),
    identity: texts(filter, 'identity'),
    compound: list(filter, 'compound', true).map(decodeCompound),
    ...(collective !== undefined && { collective }),
  };
};

const encodeToken = (token: CompoundToken): JsonObject => {
  switch (token.kind) {
    case 'statement':
      return { statement: token.text };
    case 'expression':
      return { expr: token.text };
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

/** The filter as an object for `JSON.stringify`. Compound lists keep the form that they came in. */
export const encodeFilter = (filter: Filter): JsonObject => ({
  fact: filter.fact.map(({ fact, value, operator }) => ({ fact, value, operator })),
  cf_class: filter.cfClass,
  agent: filter.agent,
  identity: filter.identity,
  compound: filter.compound.map((tokens) => tokens.map(encodeToken)),
  ...(filter.collective !== undefined && { collective: filter.collective }),
});
