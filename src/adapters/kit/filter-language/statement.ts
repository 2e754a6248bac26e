import type { Leaf, StatementOperator } from '../../../envelope/expression.ts';
import { unsupported } from './refusal.ts';

const OPERATORS: Readonly<Record<string, StatementOperator>> = {
  '=': '==',
  '<': '<',
  '>': '>',
  '<=': '<=',
  '>=': '>=',
};

const parseClass = (text: string): Leaf => {
  // `Util.has_cf_class?` takes every slash out, wherever it stands.
  const pattern = /^\/([^/]+)\/$/.exec(text)?.[1];
  if (pattern === undefined)
    throw unsupported(text, 'a class by regular expression is /…/, without further slashes');
  return { kind: 'class-pattern', pattern };
};

/**
 * What a statement asks, as `Matcher.eval_compound_statement` takes it apart: the first operator splits it, there is
 * no `!=`, and a slash in front makes a regular expression of the value whatever the operator.
 * @throws Rejection `unsupported_filter` where that can hardly be what its writer meant
 */
export const parseStatement = (text: string): Leaf => {
  if (text === '') throw unsupported(text, 'a statement is empty');
  if (/[\r\n]/.test(text)) throw unsupported(text, 'it has more than one line');
  if (text.startsWith('/')) return parseClass(text);
  const found = />=|<=|=|<|>/.exec(text);
  if (found === null) return { kind: 'class', name: text };
  const name = text.slice(0, found.index);
  const value = text.slice(found.index + found[0].length);
  if (name.endsWith('!') && found[0] === '=')
    throw unsupported(text, `statements have no !=; write not ${name.slice(0, -1)}=${value}`);
  if (/^[=~]/.test(value))
    throw unsupported(text, 'one = compares with a text, or with a regular expression between slashes');
  if (name === '' || value === '') throw unsupported(text, 'a comparison needs a fact and a value');
  if (name !== name.trim() || value !== value.trim())
    throw unsupported(text, 'spaces stand around the operator');
  if (value.startsWith('/')) {
    // A line separator of Unicode is any character to Ruby, and to `.` only with this flag.
    const pattern = /^\/(.+)\/$/s.exec(value)?.[1];
    if (found[0] !== '=' || pattern === undefined || pattern.includes('='))
      throw unsupported(text, 'a regular expression is fact=/…/, without further =');
    return { kind: 'fact', fact: name, operator: '=~', value: pattern };
  }
  if (/[<>=]/.test(value)) throw unsupported(text, 'it has more than one operator');
  return { kind: 'fact', fact: name, operator: OPERATORS[found[0]] ?? '==', value };
};

const written = (leaf: Leaf): string | undefined => {
  switch (leaf.kind) {
    case 'class':
      return leaf.name;
    case 'class-pattern':
      return `/${leaf.pattern}/`;
    case 'fact':
      if (leaf.operator === '=~') return `${leaf.fact}=/${leaf.value}/`;
      return `${leaf.fact}${leaf.operator === '==' ? '=' : leaf.operator}${leaf.value}`;
    default:
      return undefined;
  }
};

const isSame = (a: Leaf, b: Leaf): boolean => {
  if (a.kind === 'class') return b.kind === 'class' && a.name === b.name;
  if (a.kind === 'class-pattern') return b.kind === 'class-pattern' && a.pattern === b.pattern;
  if (a.kind !== 'fact' || b.kind !== 'fact') return false;
  return a.fact === b.fact && a.operator === b.operator && a.value === b.value;
};

const readsAs = (text: string, leaf: Leaf): boolean => {
  try {
    return isSame(parseStatement(text), leaf);
  } catch {
    return false;
  }
};

/** The statement that a daemon reads as this question; undefined where there is none. */
export const statementText = (leaf: Leaf): string | undefined => {
  const text = written(leaf);
  return text !== undefined && readsAs(text, leaf) ? text : undefined;
};
