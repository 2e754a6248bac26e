import { Refused } from './choria-checks.ts';
import { type Expr, PREDICATES, parseExpr } from './choria-expr-parser.ts';
import { regex } from './choria-regex.ts';

/** What an expression is evaluated over. */
export interface ExprEnvironment {
  readonly classes: readonly string[];
  readonly agents: readonly string[];
  /** `with()`: a fact comparison, a class or an agent. */
  with(query: string): boolean;
  /** `fact()`: undefined where there is none. */
  fact(path: string): unknown;
  /** A data plugin's output; undefined where there is none for the query. The plugin is not there: undefined function. */
  data(plugin: string): ((query: string) => Readonly<Record<string, unknown>> | undefined) | undefined;
}

/** As far as the compiler sees: `any` is what only shows when it runs. */
type Type = 'bool' | 'string' | 'number' | 'nil' | 'strings' | 'list' | 'any';

const fail = (why: string): never => {
  throw new Refused(why);
};

const ORDERING: Readonly<Record<string, (a: string | number, b: string | number) => boolean>> = {
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
};
const TEXT: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  matches: (text, part) => regex(part, 'go').test(text),
  contains: (text, part) => text.includes(part),
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
};

const isType = (type: Type, ...types: readonly Type[]): boolean => type === 'any' || types.includes(type);

/** What `expr.Compile` with `AsBool` and `AllowUndefinedVariables` refuses. */
const check = (expr: Expr, env: ExprEnvironment): Type => {
  switch (expr.is) {
    case 'literal':
      if (expr.value === null) return 'nil';
      return typeof expr.value === 'boolean' ? 'bool' : typeof expr.value === 'string' ? 'string' : 'number';
    case 'name':
      if (expr.name === 'facts') return fail('the fleet has no raw facts to look into');
      return expr.name === 'classes' || expr.name === 'agents' ? 'strings' : 'any';
    case 'element':
      return 'any';
    case 'list':
      for (const item of expr.items) check(item, env);
      return 'list';
    case 'not':
      return isType(check(expr.of, env), 'bool') ? 'bool' : fail('invalid operation: not (mismatched type)');
    case 'member': {
      const of = check(expr.of, env);
      const key = check(expr.key, env);
      if (of === 'strings') return isType(key, 'number') ? 'string' : fail('elements need a number');
      return isType(of, 'list') ? 'any' : fail(`type ${of} has no fields`);
    }
    case 'call':
      return checkCall(expr.name, expr.args, env);
    case 'binary':
      return checkBinary(expr.operator, expr.left, expr.right, env);
  }
};

const checkCall = (name: string, args: readonly Expr[], env: ExprEnvironment): Type => {
  const types = args.map((arg) => check(arg, env));
  const [first = 'nil', second = 'nil'] = types;
  const takes = (count: number): void => {
    if (args.length !== count)
      fail(`${args.length < count ? 'not enough' : 'too many'} arguments to call ${name}`);
  };
  if (PREDICATES.has(name)) {
    takes(2);
    if (!isType(first, 'list', 'strings')) fail(`builtin ${name} takes only array (got ${first})`);
    return isType(second, 'bool') ? 'bool' : fail('predicate should return boolean');
  }
  if (name === 'len') {
    takes(1);
    return isType(first, 'list', 'strings', 'string')
      ? 'number'
      : fail(`invalid argument for len (${first})`);
  }
  if (name === 'include') {
    takes(2);
    return isType(first, 'list') ? 'bool' : fail(`cannot use ${first} as argument to call include`);
  }
  const isKnown = name === 'with' || name === 'fact' || env.data(name) !== undefined;
  if (isKnown) {
    takes(1);
    if (!isType(first, 'string')) fail(`cannot use ${first} as argument to call ${name}`);
  }
  return name === 'with' ? 'bool' : 'any';
};

const checkBinary = (operator: string, left: Expr, right: Expr, env: ExprEnvironment): Type => {
  const a = check(left, env);
  const b = check(right, env);
  const mismatch = (): never => fail(`invalid operation: ${operator} (mismatched types ${a} and ${b})`);
  if (operator === 'and' || operator === 'or')
    return isType(a, 'bool') && isType(b, 'bool') ? 'bool' : mismatch();
  if (operator === '==' || operator === '!=')
    return a === b || [a, b].some((type) => type === 'any' || type === 'nil') ? 'bool' : mismatch();
  if (operator === 'in') {
    if (b === 'strings') return isType(a, 'string') ? 'bool' : mismatch();
    return isType(b, 'list') ? 'bool' : mismatch();
  }
  if (operator in TEXT) {
    if (!isType(a, 'string') || !isType(b, 'string')) return mismatch();
    // A pattern that stands in the filter is compiled with it.
    if (operator === 'matches' && right.is === 'literal') regex(String(right.value), 'go');
    return 'bool';
  }
  const fits = (['number', 'string'] as const).some((type) => isType(a, type) && isType(b, type));
  return fits ? 'bool' : mismatch();
};

const isSame = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));

const isText = (value: unknown): value is string => typeof value === 'string';

const truth = (value: unknown): boolean =>
  typeof value === 'boolean' ? value : fail(`${JSON.stringify(value)} is no boolean`);

const run = (expr: Expr, env: ExprEnvironment, element: unknown): unknown => {
  switch (expr.is) {
    case 'literal':
      return expr.value;
    case 'name':
      return expr.name === 'classes' ? env.classes : expr.name === 'agents' ? env.agents : null;
    case 'element':
      return element;
    case 'list':
      return expr.items.map((item) => run(item, env, element));
    case 'not':
      return !truth(run(expr.of, env, element));
    case 'member': {
      const of = run(expr.of, env, element);
      const key = run(expr.key, env, element);
      if (Array.isArray(of) && typeof key === 'number' && key in of) return of[key];
      // A query without an answer is a map that is nil: to ask of it is allowed, as it is not of a fact.
      if (of === null && expr.of.is === 'call' && expr.of.name !== 'fact') return null;
      if (typeof of !== 'object' || of === null || Array.isArray(of))
        return fail(`cannot fetch ${String(key)} from ${JSON.stringify(of)}`);
      return Object.entries(of).find(([name]) => name === key)?.[1] ?? null;
    }
    case 'call':
      return runCall(expr.name, expr.args, env, element);
    case 'binary':
      return runBinary(expr.operator, expr.left, expr.right, env, element);
  }
};

const runCall = (name: string, args: readonly Expr[], env: ExprEnvironment, element: unknown): unknown => {
  const [first, second] = args;
  if (first === undefined) return fail(`cannot call ${name}`);
  const value = run(first, env, element);
  if (PREDICATES.has(name) && second !== undefined) {
    if (!Array.isArray(value)) return fail(`${name} of ${JSON.stringify(value)}`);
    const holds = (one: unknown): boolean => truth(run(second, env, one));
    if (name === 'any') return value.some(holds);
    if (name === 'all') return value.every(holds);
    const count = value.filter(holds).length;
    return name === 'none' ? count === 0 : count === 1;
  }
  if (name === 'len')
    return typeof value === 'string' || Array.isArray(value)
      ? value.length
      : fail('invalid argument for len');
  if (name === 'include' && second !== undefined) {
    const needle = run(second, env, element);
    return Array.isArray(value) ? value.some((one) => isSame(one, needle)) : fail('include of no list');
  }
  if (typeof value !== 'string') return fail(`${name} takes a text, not ${JSON.stringify(value)}`);
  if (name === 'with') return env.with(value);
  if (name === 'fact') return env.fact(value) ?? null;
  return (env.data(name) ?? fail(`there is no function ${name}`))(value) ?? null;
};

const runBinary = (
  operator: string,
  left: Expr,
  right: Expr,
  env: ExprEnvironment,
  element: unknown,
): boolean => {
  const a = run(left, env, element);
  if (operator === 'and') return truth(a) && truth(run(right, env, element));
  if (operator === 'or') return truth(a) || truth(run(right, env, element));
  const b = run(right, env, element);
  if (operator === '==') return isSame(a, b);
  if (operator === '!=') return !isSame(a, b);
  if (operator === 'in') {
    if (b === null) return false;
    // A list of nothing but texts is compiled to a map, in which only a text is looked for, and nil as the empty one.
    if (right.is === 'list' && right.items.length > 0 && Array.isArray(b) && b.every(isText))
      return a === null ? b.includes('') : isText(a) ? b.includes(a) : fail('in a map of texts');
    if (Array.isArray(b)) return b.some((one) => isSame(one, a));
    return typeof b === 'object' && typeof a === 'string' ? a in b : fail(`in ${JSON.stringify(b)}`);
  }
  const onText = TEXT[operator];
  if (onText !== undefined) {
    if (a === null || b === null) return false;
    return typeof a === 'string' && typeof b === 'string' ? onText(a, b) : fail(`${operator} of no text`);
  }
  const isOrdered = ORDERING[operator] ?? fail(`operator ${operator}`);
  const fits =
    (typeof a === 'number' && typeof b === 'number') || (typeof a === 'string' && typeof b === 'string');
  return fits ? isOrdered(a, b) : fail(`invalid operation: ${typeof a} ${operator} ${typeof b}`);
};

/**
 * One compound filter as a Go node takes it.
 * @throws Refused what go-choria does not compile or run: the node logs it, and answers nothing
 */
export const evaluateExpr = (text: string, env: ExprEnvironment): boolean => {
  const expr = parseExpr(text);
  if (!isType(check(expr, env), 'bool')) fail('expected bool');
  return truth(run(expr, env, undefined));
};
