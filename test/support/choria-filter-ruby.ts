import { listOf, must, objectOf, textOf } from './choria-checks.ts';
import type { Filtered } from './choria-filter.ts';
import type { Json } from './choria-messages.ts';
import { regex } from './choria-regex.ts';

/** `Regexp.new(text.gsub("/", ""))` for what starts with a slash, else the text itself. */
const matcherOf = (text: string): ((value: string) => boolean) => {
  if (!/^\//m.test(text)) return (value) => value === text;
  const pattern = regex(text.replaceAll('/', ''), 'ruby');
  return (value) => pattern.test(value);
};

/** `Integer(text)`: a zero in front makes it octal. */
const integer = (digits: string): number => {
  must(/^\s*(?:0[0-7]*|[1-9]\d*)\s*$/.test(digits), `invalid value for Integer(): ${digits}`);
  return Number.parseInt(digits, digits.trim().startsWith('0') ? 8 : 10);
};

/** `Float(text)`, which reads more than Ruby's pattern for it means to let pass. */
const float = (text: string): number => {
  const value = Number(text.replace('_', ''));
  must(!Number.isNaN(value), `invalid value for Float(): ${text}`);
  return value;
};

type Operand = string | number;
const order = (a: Operand, b: Operand): number =>
  typeof a === 'number' && typeof b === 'number'
    ? a - b
    : Buffer.compare(Buffer.from(`${a}`), Buffer.from(`${b}`));
const COMPARISONS: Readonly<Record<string, (a: Operand, b: Operand) => boolean>> = {
  '<=': (a, b) => order(a, b) <= 0,
  '>=': (a, b) => order(a, b) >= 0,
  '<': (a, b) => order(a, b) < 0,
  '>': (a, b) => order(a, b) > 0,
  '!=': (a, b) => a !== b,
};
const INTEGER = /^[0-9]+$/m;
const FLOAT = /^[0-9]+.[0-9]+$/m;

/** `Util.test_fact_value`. */
const testFact = (fact: string, value: string, operator: string): boolean => {
  if (operator === '=~') return regex(/^\/([^\n]+)\/$/m.exec(value)?.[1] ?? value, 'ruby').test(fact);
  if (operator === '==') return fact === value;
  const compare = COMPARISONS[operator];
  if (compare === undefined) return false;
  const both = (pattern: RegExp): boolean => pattern.test(value) && pattern.test(fact);
  if (both(INTEGER)) return compare(integer(fact), integer(value));
  if (both(FLOAT)) return compare(float(fact), float(value));
  return compare(fact, value);
};

/** `Util.has_fact?` over facts that `Facts::Base` made texts of. */
const hasFact = (facts: Json, name: string, value: string, operator: string): boolean => {
  const fact = Object.hasOwn(facts, name) ? facts[name] : undefined;
  if (fact === undefined) return false;
  if (Array.isArray(fact)) return fact.some((one) => testFact(String(one), value, operator));
  if (typeof fact === 'object' && fact !== null)
    return Object.keys(fact).some((key) => testFact(key, value, operator));
  return testFact(String(fact ?? ''), value, operator);
};

const hasClass = ({ classes = [] }: Filtered, name: string): boolean => classes.some(matcherOf(name));

/** `Util.has_agent?`, with the name that every node answers to. */
const hasAgent = ({ agents }: Filtered, name: string): boolean =>
  name === 'mcollective' || agents.some(matcherOf(name));

/** `String#split` leaves empty parts off at the end. */
const split = (text: string, by: string): readonly string[] => {
  const parts = text.split(by);
  while (parts.at(-1) === '') parts.pop();
  return parts;
};

/** `Matcher.eval_compound_statement`. */
const holds = (statement: string, node: Filtered): boolean => {
  const operator = statement.startsWith('/') ? undefined : />=|<=|=|<|>/.exec(statement)?.[0];
  if (operator === undefined) return hasClass(node, statement);
  const [name = '', value] = split(statement, operator);
  must(value !== undefined, `statement ${statement} compares with nothing`);
  const as = value.startsWith('/') ? '=~' : operator === '=' ? '==' : operator;
  return hasFact(node.facts ?? {}, name, value, as);
};

/** The right side as the left side's type wants it. @throws Refused `invalid numeric value`, `invalid boolean value` */
const castFor = (left: unknown, right: string): unknown => {
  if (typeof left === 'number') {
    const text = right.trim();
    must(text !== '' && !Number.isNaN(Number(text)), `invalid numeric value: ${text}`);
    return Number(text);
  }
  if (typeof left !== 'boolean') return right;
  must(/^\s*(?:true|false)\s*$/.test(right), `invalid boolean value: ${right}`);
  return right.trim() === 'true';
};

/**
 * `Matcher.eval_compound_fstatement`.
 * @returns undefined where the plugin is missing, which fails the whole filter (a `DDLValidationError`)
 */
const holdsOfData = (call: Json, node: Filtered): boolean | undefined => {
  const plugin = node.data?.[textOf(call['name'], 'name of a data function')];
  if (plugin === undefined) return undefined;
  const params = String(call['params'] ?? '');
  const left = plugin[params]?.[textOf(call['value'], 'output of a data function')];
  if (left === undefined || left === null) return false;
  const operator = textOf(call['operator'], 'operator of a data function').trim();
  const right = String(call['r_compare']);
  if (typeof left !== 'number' && /[<>]/.test(operator)) return false;
  if (params.includes('`')) return false;
  if (operator.includes('=~')) {
    if (typeof left !== 'string') return false;
    return regex(right, 'ruby').test(left) === (operator === '=~');
  }
  const cast = castFor(left, right);
  if (operator === '=' || operator === '==') return left === cast;
  if (operator === '!=') return left !== cast;
  return (COMPARISONS[operator] ?? (() => false))(Number(left), Number(cast));
};

type Truth = '(' | ')' | '&&' | '||' | '!' | boolean;
const SIGNS: Readonly<Record<string, Truth>> = { and: '&&', or: '||', not: '!', '(': '(', ')': ')' };

/** What `eval` makes of the truths and signs. @throws Refused a `SyntaxError` */
const evaluate = (tokens: readonly Truth[]): boolean => {
  let at = 0;
  const accept = (token: Truth): boolean => {
    if (tokens[at] !== token) return false;
    at += 1;
    return true;
  };
  const operand = (): boolean => {
    if (accept('!')) return !operand();
    if (accept('(')) {
      const inner = either();
      must(accept(')'), 'compound filter: a parenthesis is open');
      return inner;
    }
    const token = tokens[at];
    must(typeof token === 'boolean', `compound filter: unexpected ${token ?? 'end'}`);
    at += 1;
    return token;
  };
  const both = (): boolean => {
    let value = operand();
    while (accept('&&')) value = operand() && value;
    return value;
  };
  const either = (): boolean => {
    let value = both();
    while (accept('||')) value = both() || value;
    return value;
  };
  const value = either();
  must(at === tokens.length, `compound filter: unexpected ${tokens[at]}`);
  return value;
};

const fitsCompound = (tokens: readonly unknown[], node: Filtered): boolean => {
  const truths: Truth[] = [];
  for (const token of tokens) {
    const [key = '', value] = Object.entries(objectOf(token, 'a part of a compound filter'))[0] ?? [];
    const sign = SIGNS[key];
    if (sign !== undefined) truths.push(sign);
    else if (key === 'statement') truths.push(holds(textOf(value, 'a statement'), node));
    else if (key === 'fstatement') {
      const truth = holdsOfData(objectOf(value, 'an fstatement'), node);
      if (truth === undefined) return false;
      truths.push(truth);
    }
  }
  // Go's `expr` is no key that Ruby looks for: what is left to `eval` is empty, and nil is false.
  return truths.length > 0 && evaluate(truths);
};

const EMPTY = JSON.stringify({ agent: [], cf_class: [], compound: [], fact: [], identity: [] });

/**
 * `validate_filter?` of `security/base.rb` in MCollective 2.12.5, whose libraries Choria 0.19 runs on, with its ways:
 * a filter that asks for nothing must be written as `Util.empty_filter` is, and two identities that both match fail.
 */
export const fitsRuby = (filter: Json, node: Filtered): boolean => {
  const texts = (key: string): readonly string[] =>
    listOf(filter[key] ?? [], key).map((one) => textOf(one, `${key} to filter by`));
  const identities = texts('identity');
  const compounds = listOf(filter['compound'] ?? [], 'compound').map((one) =>
    listOf(one, 'a compound filter'),
  );
  const facts = listOf(filter['fact'] ?? [], 'fact').map((one) => objectOf(one, 'a fact filter'));
  const verdicts = [
    ...texts('cf_class').map((name) => hasClass(node, name)),
    ...compounds.map((tokens) => fitsCompound(tokens, node)),
    ...texts('agent').map((name) => hasAgent(node, name)),
    ...facts.map(({ fact, value, operator }) =>
      hasFact(node.facts ?? {}, String(fact), String(value), String(operator)),
    ),
    ...(identities.length === 0
      ? []
      : [identities.filter((one) => matcherOf(one)(node.identity)).length === 1]),
  ];
  if (verdicts.length > 0) return verdicts.every((one) => one);
  const sorted = Object.fromEntries(Object.entries(filter).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return ['{}', EMPTY].includes(JSON.stringify(sorted));
};
