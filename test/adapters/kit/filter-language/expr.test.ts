import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExpr } from '../../../../src/adapters/kit/filter-language/expr-parser.ts';
import { exprText } from '../../../../src/adapters/kit/filter-language/expr-text.ts';
import { toLegacy } from '../../../../src/adapters/kit/filter-language/to-legacy.ts';
import type { Expression } from '../../../../src/envelope/expression.ts';
import { refused } from '../../choria/wire/support.ts';
import { choriaExpressions, legacyExpressions } from './expressions.ts';
import { choriaTexts, goHolds, typedNodes } from './nodes.ts';

const again = (text: string): string => exprText(parseExpr(text));
const fact = (query: string, operator: '==' | '<', value: string | number): Expression => ({
  kind: 'value',
  name: 'fact',
  query,
  field: null,
  operator,
  value,
});

describe('an expression in go-choria’s language', () => {
  it('comes back from its text as it was', () => {
    fc.assert(
      fc.property(choriaExpressions, (expression) => {
        expect(parseExpr(exprText(expression))).toEqual(expression);
      }),
      { numRuns: 1000 },
    );
  });

  it('written anew matches the same nodes', () => {
    fc.assert(
      fc.property(choriaTexts, fc.array(typedNodes, { minLength: 5, maxLength: 5 }), (text, nodes) => {
        expect(parseExpr(text).kind).not.toBe('text');
        for (const node of nodes) expect(goHolds(again(text), node)).toBe(goHolds(text, node));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['with("a") || with("b") && with("c")', 'with("a") or (with("b") and with("c"))'],
    ['(with("a") || with("b")) && with("c")', '(with("a") or with("b")) and with("c")'],
    ['!with("a") && with("b")', 'not with("a") and with("b")'],
    ['!(with("a") && with("b"))', 'not (with("a") and with("b"))'],
    ['!!with("a")', 'not (not with("a"))'],
    ['!(fact("a") == "b")', 'not (fact("a") == "b")'],
    ['"a" not in classes', 'not ("a" in classes)'],
    ['fact("a") not matches "b"', 'not (fact("a") matches "b")'],
    ["any(classes, # matches 'b')", 'any(classes, {# matches "b"})'],
    ['any(classes, {# == "b"})', '"b" in classes'],
    ['fact("a") in ["b", "c-d"]', 'fact("a") matches "\\\\A(?:b|c\\\\x2dd)\\\\z"'],
    ['fact("a") not in ["b"]', 'not (fact("a") matches "\\\\A(?:b)\\\\z")'],
    ['fact("a") in ["b", 4, nil]', 'fact("a") == "b" or fact("a") == 4 or fact("a") == nil'],
    ['"b" == fact("a")', 'fact("a") == "b"'],
    ['4 <= scout("x").size', 'scout("x").size >= 4'],
    ['-1 < fact("a") and fact("b") == - 4.5', 'fact("a") > -1 and fact("b") == -4.5'],
    ['scout( "x" ).size>=1.50', 'scout("x").size >= 1.5'],
    ['scout().ok == true', 'scout().ok == true'],
    ["with('it\\'s \\u0041\\x42 `\"')", 'with("it\'s AB `\\"")'],
    ['with(`a\\d"`)', 'with("a\\\\d\\"")'],
  ])('%s is %s', (text, written) => {
    expect(again(text)).toBe(written);
  });

  it('has texts and numbers', () => {
    expect(parseExpr('fact("a.b") == "c" and fact("n") < 10')).toEqual({
      kind: 'and',
      operands: [fact('a.b', '==', 'c'), fact('n', '<', 10)],
    });
  });

  it.each([
    ['include(fact("a"), "b")', 'include(', 1],
    ['with("a") and semver(fact("v"), ">1")', 'semver(', 15],
    ['with("a") ? true : false', '? true', 11],
    ['fact("a") + 1 == 2', 'fact("a") + 1', 1],
    ['fact("a") ?? "b" == "b"', 'fact("a") ??', 1],
    ['fact("a") | upper() == "B"', 'fact("a") |', 1],
    ['fact("a") in ["b", ""]', '["b", ""]', 14],
    ['fact("a") in []', ']', 15],
    ['fact("a") in ["b"', '', 18],
    [`fact("a") in [${'1,'.repeat(500)}22]`, '22]', 1015],
    ['with("a=b") == false', '== false', 13],
    ['not "b" == fact("a")', 'not "b" ==', 1],
    ['"b" == fact("a") == true', '== true', 18],
    ['1 < fact("a") < 5', '< 5', 15],
    ['"a" == "b"', '"a" ==', 1],
    ['fact("a") - 1 == 2', 'fact("a") -', 1],
    ['fact("a") == --1', '-1', 15],
    ['fact("a") == -"b"', '"b"', 15],
    ['any(fact("a"), {# == "b"})', 'fact("a"), {', 5],
    ['any(classes, {len(#) > 2})', 'len(', 15],
    ['any(classes, {#matches "b"})', '#matches', 15],
    ['all(classes, {# matches "b"})', 'all(', 1],
    ['len(classes) > 2', 'len(', 1],
    ['"a" in agents', '"a" in agents', 1],
    ['classes[0] == "a"', 'classes[', 1],
    ['true', 'true', 1],
    ['not fact("a") == "b"', 'not fact', 1],
    ['with("a") and not "b" in classes', 'not "b"', 15],
    ['not "b" not in classes', 'not "b"', 1],
    ['scout("x")', 'scout(', 1],
    ['fact("a").b == "c"', 'fact("a").b', 1],
    ['fact(with) == "c"', 'with) ==', 6],
    ['fact("a") == 1e3', '1e3', 14],
    ['fact("a") == 0x1f', '0x1f', 14],
    ['fact("a") == +1', '+1', 14],
    ['fact("a") contains 1', 'contains 1', 11],
    ['with("a', '"a', 6],
    ['with("a\\q")', '\\q', 8],
    ['with("\\ud800")', '\\ud800', 7],
    ['(with("a")', '', 11],
    ['with("a"))', ')', 10],
    ['with("a") with("b")', 'with("b")', 11],
    ['let x = 1; with("a")', 'let x', 1],
    ['with("a") // or with("b")', '// or', 11],
    ['', '', 1],
  ])('%s stays a text, and to legacy nodes says that %s at its place is the reason', (text, part, at) => {
    const expression = parseExpr(text);
    expect(expression).toMatchObject({ kind: 'text', text });
    expect(exprText(expression)).toBe(text);
    const { message } = refused(() => toLegacy(expression), 'unsupported_filter');
    expect(message.slice(1).startsWith(part)).toBe(true);
    expect(message).toContain(`(character ${at} of `);
  });

  it('takes any text in time', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[()!"'a&|.{}#\\]*$/)),
        (text) => {
          expect(exprText(parseExpr(text))).toBeTypeOf('string');
        },
      ),
    );
    for (const piece of ['(', '!', '! ', 'with("a") and ', '"', '\\', 'a.', '((with("a")) or ', '[', '`'])
      expect(parseExpr(piece.repeat(16_000 / piece.length)).kind).toBe('text');
    expect(parseExpr(`with("a")${' or with("a")'.repeat(1_000)}`).kind).toBe('or');
    refused(() => parseExpr('('.repeat(20_000)), 'unsupported_filter', /16384 characters/);
  });

  it('has no words for what only legacy statements ask', () => {
    fc.assert(
      fc.property(legacyExpressions, (expression) => {
        const isShared = !/"kind":"(?:class-pattern|fact|data)"/.test(JSON.stringify(expression));
        if (isShared) expect(parseExpr(exprText(expression))).toEqual(expression);
        else refused(() => exprText(expression), 'unsupported_filter');
      }),
    );
  });
});
