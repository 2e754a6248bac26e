import fc from 'fast-check';
import {
  both,
  type Expression,
  either,
  type FunctionStatement,
  type Leaf,
} from '../../../../src/envelope/expression.ts';

const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,6}$/);
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 });
/** What statements can hold: no operators, line breaks or slashes in front, no spaces around. */
const plain = text.filter((some) => !/[<>=\r\n/]/.test(some) && some === some.trim() && !/[!~]/.test(some));
const call: fc.Arbitrary<FunctionStatement> = fc.record({
  name: word.map((some) => `d_${some}`),
  params: fc.option(text),
  value: fc.option(word.map((some) => `v_${some}`)),
  operator: fc.constantFrom('==', '!=', '<', '>', '<=', '>=', '=~', '!=~'),
  compare: text,
});

const legacyLeaf: fc.Arbitrary<Leaf> = fc.oneof(
  plain.map((name): Leaf => ({ kind: 'class', name })),
  plain.map((pattern): Leaf => ({ kind: 'class-pattern', pattern })),
  fc
    .record({
      fact: plain,
      operator: fc.constantFrom('==', '=~', '<', '>', '<=', '>=' as const),
      value: plain,
    })
    .map((fact): Leaf => ({ kind: 'fact', ...fact })),
  call.map((some): Leaf => ({ kind: 'data', call: some })),
);

const literal = fc.oneof(text, fc.nat(), fc.boolean(), fc.constant(null));
const choriaLeaf: fc.Arbitrary<Leaf> = fc.oneof(
  text.map((name): Leaf => ({ kind: 'class', name })),
  text.map((query): Leaf => ({ kind: 'with', query })),
  fc
    .record({
      operator: fc.constantFrom('matches', 'contains', 'startsWith', 'endsWith' as const),
      value: text,
    })
    .map((some): Leaf => ({ kind: 'any-class', ...some })),
  fc
    .record({
      query: text,
      operator: fc.constantFrom('==', '!=', '<', '>', '<=', '>=' as const),
      value: literal,
    })
    .map((some): Leaf => ({ kind: 'value', name: 'fact', field: null, ...some })),
  fc
    .record({
      name: word.map((some) => `d_${some}`),
      query: fc.option(text),
      field: fc.option(word),
      value: text,
    })
    .map((some): Leaf => ({ kind: 'value', operator: 'matches', ...some })),
);

const expressions = (leaf: fc.Arbitrary<Leaf>): fc.Arbitrary<Expression> =>
  fc.letrec<{ expression: Expression }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.tuple(tie('expression'), tie('expression')).map((operands) => both(...operands)),
      fc.tuple(tie('expression'), tie('expression')).map((operands) => either(...operands)),
      tie('expression').map((operand): Expression => ({ kind: 'not', operand })),
    ),
  })).expression;

/** Of what token lists can ask. */
export const legacyExpressions = expressions(legacyLeaf);

/** Of what go-choria's expressions can ask. */
export const choriaExpressions = expressions(choriaLeaf);
