import { describe, expect, it } from 'vitest';
import { refused } from '../../choria/wire/support.ts';
import { call, choriaOf, legacyOf, NOT, OR, statement } from './wording.ts';

const PLAIN = '(with("a=~/.*/") or fact("a") == true)';
const WHOLE = 'fact("a") != false and with("a=~/^-?[0-9]+[.]0000$/")';

describe('towards go-choria', () => {
  it.each([
    ['apache', '"apache" in classes', 'not ("apache" in classes)'],
    [
      '/^web\\d$/',
      'any(classes, {# matches "\\\\Aweb[0-9]\\\\z"})',
      'not any(classes, {# matches "\\\\Aweb[0-9]\\\\z"})',
    ],
    ['a=uk', 'fact("a") == "uk"', `fact("a") == nil or (${PLAIN} and fact("a") != "uk")`],
    [
      'a=4',
      'fact("a") == "4" or fact("a") == 4',
      `fact("a") == nil or (${PLAIN} and fact("a") != "4" and fact("a") != 4)`,
    ],
    [
      'a=true',
      'fact("a") == "true" or fact("a") == true',
      `fact("a") == nil or (${PLAIN} and fact("a") != "true" and fact("a") != true)`,
    ],
    [
      'a=4.50',
      'fact("a") == "4.50"',
      `fact("a") == nil or (${PLAIN} and fact("a") != "4.50" and fact("a") != 4.5)`,
    ],
    [
      'a=/^u/',
      `(with("a>=!") and fact("a") matches "\\\\Au") or (${WHOLE} and with("a=~/\\\\Au/"))`,
      `fact("a") == nil or (with("a>=!") and not (fact("a") matches "(?m:^)u")) or (${WHOLE} and not with("a=~/\\\\Au/"))`,
    ],
    ['a>m', 'with("a>=!") and fact("a") > "m"', 'fact("a") == nil or (with("a>=!") and fact("a") <= "m")'],
  ])('%s and not %s', (text, yes, no) => {
    expect(choriaOf(statement(text))).toBe(yes);
    expect(choriaOf(NOT, statement(text))).toBe(no);
  });

  it('a fact whose name has dots is one fact', () => {
    expect(choriaOf(statement('a.b=c'))).toBe('fact("a\\\\.b") == "c"');
  });

  it('data functions are called first where and and or might pass them by, as a daemon calls all', () => {
    expect(choriaOf(statement('apache'), OR, call('scout', 'size', '>', '1'))).toBe(
      'scout("x") != nil and ("apache" in classes or scout("x").size > 1)',
    );
    expect(choriaOf(statement('apache'), OR, call('fact', 'value', '==', 'uk', 'a.b'))).toBe(
      'fact("a.b") != nil and ("apache" in classes or fact("a.b") == "uk")',
    );
    expect(choriaOf(statement('apache'), OR, call('fact', 'value', '=~', 'uk', 'a.b.0.c'))).toMatch(
      /^fact\("a\.#"\) == nil and fact\("a\.b\.0\.#"\) == nil and \("apache" in classes or /,
    );
    expect(choriaOf(statement('apache'), { kind: 'and' }, call('scout', 'size', '>', '1'))).toBe(
      '"apache" in classes and scout("x").size > 1',
    );
  });

  it('statements that Ruby can fail to compare have to be comparable where and and or might pass them by', () => {
    expect(choriaOf(statement('apache'), OR, statement('a=/u/'), OR, statement('a=/k/'))).toMatch(
      /^fact\("a\.#"\) == nil and \("apache" in classes or /,
    );
    expect(choriaOf(statement('apache'), OR, statement('a.b<m'))).toMatch(
      /^fact\("a\\\\\.b\.#"\) == nil and \("apache" in classes or /,
    );
    const misread = '\\\\x0a|\\\\A0[0-9]*[89][0-9]*\\\\z|\\\\A[0-9]+[^0-9\\\\x2e][0-9]+\\\\z';
    expect(choriaOf(statement('apache'), OR, statement('a>=4'))).toContain(
      `(fact("a") == nil or (${PLAIN} and not with("a=~/${misread}/"))) and ("apache" in classes or `,
    );
    expect(choriaOf(statement('apache'), { kind: 'and' }, NOT, statement('a>=4'))).not.toContain(misread);
    expect(choriaOf(statement('apache'), OR, statement('a=uk'))).toBe(
      '"apache" in classes or fact("a") == "uk"',
    );
  });

  it('a name that would be an index of a list, to a daemon, matches nothing below not', () => {
    expect(choriaOf(NOT, call('fact', 'value', '=~', 'u', 'a.0'))).toMatch(/^fact\("a\.0"\) == nil or /);
    for (const operator of ['=~', '!=~'])
      expect(choriaOf(NOT, call('fact', 'value', operator, 'u', 'a.b'))).toMatch(
        /^\(fact\("a\.b"\) == nil and fact\("a\.#"\) == nil\) or /,
      );
  });

  it.each([
    [call('fact', 'value', '=~', 'x', 'a.-1'), /not -1/],
    [call('fact', 'value', '=~', 'x', 'a.010'), /not 01/],
    [call('fact', 'value', '==', 'x', 'a.01'), /not 01/],
    [statement('a b=c'), /"a b=c".*name/],
    [statement('a*=c'), /"a\*=c".*name/],
    [statement('a=/b(?!c)/'), /\(\?!.*Ruby and Go agree/],
    [statement('/a\\b/'), /"\/a\\b\/".*Ruby and Go agree/],
    [statement('a>=2.5'), /"a>=2.5".*whole numbers/],
    [statement('a>=010'), /"a>=010".*whole numbers/],
    [call('scout', null, '==', 'x'), /one of its fields/],
    [call('scout', 'name', '>', 'x'), /only numbers/],
    [call('scout', 'name', '~', 'x'), /only numbers/],
    [call('scout', 'size', 'toString', '4'), /only numbers|operator/],
    [call('semver', 'name', '==', 'x'), /no.* data function to go-choria/],
    [call('with', 'name', '==', 'x'), /no.* data function to go-choria/],
    [call('scout', 'name', '==', 'x', '`id`'), /no ` in a query/],
    [call('fact', 'value', '>', '1', 'a'), /by size/],
    [call('fact', 'value', '==', '1', 'a.*'), /name/],
    [call('fact', 'exists', '==', 'true', 'a'), /no.* data function to go-choria/],
  ])('%j is refused, naming it', (token, sentence) => {
    refused(() => choriaOf(token), 'unsupported_filter', sentence);
    refused(() => choriaOf(NOT, token), 'unsupported_filter', sentence);
  });

  it('what can never hold is refused, and its opposite is not', () => {
    refused(() => choriaOf(statement('a<0')), 'unsupported_filter', /"a<0".*less than 0/);
    expect(choriaOf(NOT, statement('a<0'))).toContain('[1-9][0-9]{1,17}');
    refused(() => legacyOf('with("a<0")'), 'unsupported_filter', /less than 0/);
    expect(legacyOf('not with("a<0")')).toContain('[1-9][0-9]{1,17}');
  });

  it('a `not` of a `not` is none', () => {
    expect(choriaOf(NOT, NOT, statement('a=uk'))).toBe('fact("a") == "uk"');
    expect(legacyOf('not (not with("apache"))')).toBe('apache');
  });

  it('-0 is a text alone, because Ruby reads the number as 0', () => {
    expect(choriaOf(statement('a=-0'))).toBe('fact("a") == "-0"');
    expect(choriaOf(statement('a=-1'))).toBe('fact("a") == "-1" or fact("a") == -1');
  });

  it('numbers that cannot be told apart are refused below not alone', () => {
    expect(choriaOf(statement('a=1e5'))).toBe('fact("a") == "1e5"');
    refused(() => choriaOf(NOT, statement('a=1e5')), 'unsupported_filter', /"a=1e5".*12 or 1.5/);
  });
});
