import { listOf, objectOf, Refused, textOf } from './choria-checks.ts';
import { type ExprEnvironment, evaluateExpr } from './choria-expr.ts';
import type { Filtered } from './choria-filter.ts';
import type { Json } from './choria-messages.ts';
import { regex } from './choria-regex.ts';

/** `/re/` or the text itself; a pattern that does not compile matches nothing. */
const matcherOf = (needle: string, ignoresCase = false): ((value: string) => boolean) => {
  if (!(needle.startsWith('/') && needle.endsWith('/'))) {
    // go-choria lowers the needle and leaves the class as it is.
    const text = ignoresCase ? needle.toLowerCase() : needle;
    return (value) => value === text;
  }
  try {
    const pattern = regex(`${ignoresCase ? '(?i)' : ''}${needle.slice(1, -1)}`, 'go');
    return (value) => pattern.test(value);
  } catch (error) {
    if (error instanceof Refused) return () => false;
    throw error;
  }
};

const hasClass = ({ classes = [] }: Filtered, name: string): boolean => classes.some(matcherOf(name, true));
const hasAgent = ({ agents }: Filtered, name: string): boolean => agents.some(matcherOf(name));

/**
 * gjson's paths, as far as names, with dots of their own behind a backslash, indices, and the count `#` at the end go.
 * @returns undefined where there is nothing
 */
export const factAt = (facts: Json, path: string): unknown => {
  if (/[*?|@!{[]|#./.test(path)) throw new Refused(`the fleet does not follow the path ${path}`);
  let value: unknown = facts;
  for (const part of path.split(/(?<!\\)\./)) {
    const key = part.replace(/\\(.)/gs, '$1');
    if (typeof value !== 'object' || value === null) return undefined;
    if (!Array.isArray(value)) value = Object.entries(value).find(([name]) => name === key)?.[1];
    else if (key === '#') value = value.length;
    else value = /^\d+$/.test(key) ? value[Number(key)] : undefined;
  }
  return value;
};

/** `strconv.ParseFloat` and `Atoi`; undefined for an error. */
const numberOf = (text: string): number | undefined =>
  /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text) ? Number(text) : undefined;
const integerOf = (text: string): number | undefined => (/^[-+]?\d+$/.test(text) ? Number(text) : undefined);
const isTrue = (text: string): boolean => ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text);

type Operand = string | number;
const order = (a: Operand, b: Operand): number =>
  typeof a === 'number' && typeof b === 'number'
    ? a - b
    : Buffer.compare(Buffer.from(`${a}`), Buffer.from(`${b}`));
const ORDERING: Readonly<Record<string, (a: Operand, b: Operand) => boolean>> = {
  '<': (a, b) => order(a, b) < 0,
  '>': (a, b) => order(a, b) > 0,
  '<=': (a, b) => order(a, b) <= 0,
  '>=': (a, b) => order(a, b) >= 0,
};

/** Texts are compared without regard to case. */
const matchText = (fact: string, operator: string, value: string): boolean | undefined => {
  const [a, b] = [fact.toLowerCase(), value.toLowerCase()];
  if (operator === '==') return a === b;
  if (operator === '!=') return a !== b;
  if (operator === '=~')
    return regex(`(?i)${value.replace(/^\/+/, '').replace(/\/+$/, '')}`, 'go').test(fact);
  return ORDERING[operator]?.(a, b);
};

const matchNumber = (fact: number, operator: string, value: string): boolean | undefined => {
  const isFloat = value.includes('.');
  if (operator === '=~') return matchText(isFloat ? fact.toFixed(4) : `${Math.trunc(fact)}`, operator, value);
  if (!isFloat && operator === '==') return `${Math.trunc(fact)}` === value;
  if (!isFloat && operator === '!=') return `${Math.trunc(fact)}` !== value;
  const right = isFloat ? numberOf(value) : integerOf(value);
  if (right === undefined) return undefined;
  const left = isFloat ? fact : Math.trunc(fact);
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  // go-choria's gtMatch compares floats with `>=`.
  return ORDERING[operator === '>' && isFloat ? '>=' : operator]?.(left, right);
};

const matchTruth = (fact: boolean, operator: string, value: string): boolean | undefined => {
  const given = isTrue(operator === '==' ? value : value.toLowerCase());
  if (operator === '==' || operator === '=~') return given === fact;
  return operator === '!=' ? !given : undefined;
};

/** `HasFactJSON`; an error counts as no match, as `MatchFacts` has it. */
const hasFact = (facts: Json, name: string, operator: string, value: string): boolean => {
  const fact = factAt(facts, name);
  try {
    if (typeof fact === 'string') return matchText(fact, operator, value) ?? false;
    if (typeof fact === 'number') return matchNumber(fact, operator, value) ?? false;
    return typeof fact === 'boolean' ? (matchTruth(fact, operator, value) ?? false) : false;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
};

const OPERATOR = /<=|>=|=>|=<|<|>|!=|=~|={1,2}/g;
const WRITTEN: Readonly<Record<string, string>> = { '=': '==', '=<': '<=', '=>': '>=' };

/** `ParseFactFilterString`: the rightmost operator counts. @returns undefined for what is no comparison */
const parseFact = (text: string): readonly [string, string, string] | undefined => {
  const last = [...text.matchAll(OPERATOR)].at(-1);
  if (last === undefined) return undefined;
  const operator = last[0];
  const left = text.slice(0, last.index).trim();
  const right = text.slice(last.index + operator.length).trim();
  if (left === '' || right === '' || /^[<>=]/.test(left) || /[<>=]$/.test(right)) return undefined;
  const isPattern = right.startsWith('/') && right.endsWith('/');
  return [left, isPattern ? '=~' : (WRITTEN[operator] ?? operator), right];
};

const environmentOf = (node: Filtered): ExprEnvironment => {
  const facts = node.facts ?? {};
  return {
    classes: node.classes ?? [],
    agents: node.agents,
    with: (query) => {
      const fact = parseFact(query);
      if (fact !== undefined) return hasFact(facts, ...fact);
      return hasClass(node, query) || hasAgent(node, query);
    },
    fact: (path) => factAt(facts, path),
    data: (name) => {
      const plugin = node.data?.[name];
      return plugin === undefined ? undefined : (query) => plugin[query];
    },
  };
};

/**
 * `MatchExprString`. Each filter that holds adds one and each that does not takes one away, so of three filters two
 * are enough; a filter of Ruby's, with more tokens than one, matches nothing.
 */
const fitsCompounds = (compounds: readonly unknown[], node: Filtered): boolean => {
  let matched = 0;
  for (const compound of compounds) {
    const [first, ...more] = listOf(compound, 'a compound filter');
    if (first === undefined || more.length > 0) return false;
    const { expr } = objectOf(first, 'a part of a compound filter');
    if (typeof expr !== 'string') return false;
    try {
      matched += evaluateExpr(expr, environmentOf(node)) ? 1 : -1;
    } catch (error) {
      if (error instanceof Refused) throw new Refused(`compound filter ${expr}: ${error.message}`);
      throw error;
    }
  }
  return matched > 0;
};

/** `MatchServerRequest` of go-choria 0.29 and its packages below `filter`. */
export const fitsGo = (filter: Json, node: Filtered): boolean => {
  const list = (key: string): readonly unknown[] => listOf(filter[key] ?? [], key);
  const texts = (key: string): readonly string[] =>
    list(key).map((one) => textOf(one, `${key} to filter by`));
  const identities = texts('identity');
  const facts = list('fact').map((one) => objectOf(one, 'a fact filter'));
  const compounds = list('compound');
  return (
    (identities.length === 0 || identities.some((one) => matcherOf(one)(node.identity))) &&
    texts('agent').every((name) => hasAgent(node, name)) &&
    texts('cf_class').every((name) => hasClass(node, name)) &&
    facts.every(({ fact, operator, value }) =>
      hasFact(node.facts ?? {}, String(fact), String(operator), String(value)),
    ) &&
    (compounds.length === 0 || fitsCompounds(compounds, node))
  );
};
