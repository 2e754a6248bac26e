import {
  both,
  type Expression,
  either,
  type FunctionStatement,
  type Literal,
  negated,
} from '../../../envelope/expression.ts';
import { factPluginCondition, factPluginTranslation } from './choria-fact.ts';
import { isOrdering, OPPOSITE } from './digits.ts';
import { isDataName } from './expr-words.ts';
import { parsePattern, patternText } from './pattern.ts';
import { unsupported } from './refusal.ts';
import { callText } from './tokens.ts';
import type { Translation } from './translation.ts';

type ValueLeaf = Extract<Expression, { kind: 'value' }>;

const isNumber = (text: string): boolean => /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$/.test(text);
const isTruth = (text: string): boolean => text === 'true' || text === 'false';
const isName = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);

const field = ({ name, params, value }: FunctionStatement): ValueLeaf => ({
  kind: 'value',
  name,
  query: params,
  field: value,
  operator: '==',
  value: null,
});

/** A daemon gives the compared text the type of the value, and fails the filter where it cannot. */
const equalityTranslation = (call: FunctionStatement): Translation => {
  const leaf = field(call);
  const text = call.compare;
  const is = (operator: '==' | '!=', value: Literal): Expression => ({ ...leaf, operator, value });
  // What is not text fails `matches`, as it would fail a daemon.
  const isOtherText = both({ ...leaf, operator: 'matches', value: '' }, is('!=', text));
  const { equals, differs } = isNumber(text)
    ? {
        equals: either(is('==', text), is('==', Number(text))),
        differs: both(...[null, true, false, text, Number(text)].map((value) => is('!=', value))),
      }
    : isTruth(text)
      ? {
          equals: either(is('==', text), is('==', text === 'true')),
          differs: either(is('==', text === 'false'), isOtherText),
        }
      : { equals: is('==', text), differs: isOtherText };
  const [whenTrue, whenFalse] = call.operator === '==' ? [equals, differs] : [differs, equals];
  return { whenTrue: () => whenTrue, whenFalse: () => whenFalse };
};

const patternTranslation = (call: FunctionStatement): Translation => {
  const matches = (lines: 'more' | 'less'): Expression => ({
    ...field(call),
    operator: 'matches',
    value: patternText(parsePattern(call.compare, 'ruby'), lines),
  });
  const whenTrue = (): Expression => matches('less');
  const whenFalse = (): Expression => negated(matches('more'));
  // Where there is no such output a daemon says no to `=~` and to `!=~`; to go-choria `not` of a no is a yes.
  const isThere: Expression = { ...field(call), operator: '!=', value: null };
  return call.operator === '=~'
    ? { whenTrue, whenFalse }
    : { whenTrue: () => both(isThere, whenFalse()), whenFalse: whenTrue };
};

/** A data function, for the same function of a Go node. @throws Rejection `unsupported_filter` */
export const callTranslation = (call: FunctionStatement): Translation => {
  const { name, params, value, operator, compare } = call;
  const part = callText(call);
  if (params?.includes('`')) throw unsupported(part, 'legacy daemons take no ` in a query');
  if (name === 'fact' && value === 'value')
    return factPluginTranslation(params ?? '', operator, compare, part);
  if (!isDataName(name)) throw unsupported(part, `${name} is not a data function to go-choria`);
  if (value === null || !isName(value))
    throw unsupported(part, 'a data function is compared by one of its fields');
  if (operator === '==' || operator === '!=') return equalityTranslation(call);
  if (operator === '=~' || operator === '!=~') return patternTranslation(call);
  if (!isOrdering(operator) || !isNumber(compare))
    throw unsupported(part, 'only numbers are compared by size');
  const leaf = { ...field(call), value: Number(compare) };
  return {
    whenTrue: () => ({ ...leaf, operator }),
    whenFalse: () => ({ ...leaf, operator: OPPOSITE[operator] }),
  };
};

/** That the output is missing or of a type that a daemon can compare with the text; it fails of a number and `bob`. */
const comparable = (call: FunctionStatement): Expression => {
  const is = (operator: '==' | '!=', value: Literal): Expression => ({ ...field(call), operator, value });
  if (isNumber(call.compare)) return both(is('!=', true), is('!=', false));
  const others = isTruth(call.compare) ? [null, true, false] : [null];
  // What is not text fails `matches`, and with it the expression.
  return either(...others.map((value) => is('==', value)), {
    ...field(call),
    operator: 'matches',
    value: '',
  });
};

/**
 * What has to be true besides, because a legacy daemon calls every function before it looks at `and` and `or`: one
 * that fails, fails the filter.
 */
export const callCondition = (call: FunctionStatement): readonly Expression[] => {
  if (call.name === 'fact') return factPluginCondition(call.params ?? '', call.operator);
  const isThere: Expression = { ...field({ ...call, value: null }), operator: '!=' };
  return call.operator === '==' || call.operator === '!=' ? [isThere, comparable(call)] : [isThere];
};
