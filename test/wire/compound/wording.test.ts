import { describe, expect, it } from 'vitest';
import { parseExpr } from '../../../src/wire/compound/expr-parser.ts';
import { exprText } from '../../../src/wire/compound/expr-text.ts';
import { toChoria } from '../../../src/wire/compound/to-choria.ts';
import { toLegacy } from '../../../src/wire/compound/to-legacy.ts';
import { parseTokens, printTokens, type Token } from '../../../src/wire/compound/tokens.ts';
import { refused } from '../choria/support.ts';

const shown = (token: Token): string => {
  if (token.kind === 'statement') return token.text;
  if (token.kind !== 'function') return token.kind;
  const { name, params, value, operator, compare } = token.call;
  return `${name}(${params ?? ''}).${value}${operator}${compare}`;
};
const legacyOf = (text: string): string =>
  printTokens(toLegacy(parseExpr(text)))
    .map(shown)
    .join(' ');

const statement = (text: string): Token => ({ kind: 'statement', text });
const call = (
  name: string,
  value: string | null,
  operator: string,
  compare: string,
  params = 'x',
): Token => ({
  kind: 'function',
  call: { name, params, value, operator, compare },
});
const choriaOf = (...tokens: readonly Token[]): string => exprText(toChoria(parseTokens(tokens)));

const NOT: Token = { kind: 'not' };
const OR: Token = { kind: 'or' };
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
    expect(choriaOf(statement('apache'), { kind: 'and' }, call('scout', 'size', '>', '1'))).toBe(
      '"apache" in classes and scout("x").size > 1',
    );
  });

  it.each([
    [statement('a b=c'), /"a b=c".*name/],
    [statement('a*=c'), /"a\*=c".*name/],
    [statement('a=/b(?!c)/'), /\(\?!.*Ruby and Go agree/],
    [statement('/a\\b/'), /"\/a\\\\b\/".*Ruby and Go agree/],
    [statement('a>=2.5'), /"a>=2.5".*whole numbers/],
    [statement('a>=010'), /"a>=010".*whole numbers/],
    [call('scout', null, '==', 'x'), /one of its fields/],
    [call('scout', 'name', '>', 'x'), /only numbers/],
    [call('scout', 'name', '~', 'x'), /only numbers/],
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
    expect(choriaOf(NOT, statement('a<0'))).toContain('[1-9][0-9]{1,}');
    refused(() => legacyOf('with("a<0")'), 'unsupported_filter', /less than 0/);
    expect(legacyOf('not with("a<0")')).toContain('[1-9][0-9]{1,}');
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

const ENCODING = 'fact(a).value_encoding=~\\Atext/plain\\z';

describe('towards legacy nodes', () => {
  it.each([
    ['"apache" in classes', 'apache', 'not apache'],
    ['any(classes, {# matches "^web"})', '/\\Aweb/', 'not /\\Aweb/'],
    ['any(classes, {# endsWith "a/b"})', '/a\\x2fb\\z/', 'not /a\\x2fb\\z/'],
    ['with("a=uk")', `a=uk and ${ENCODING}`, 'not a=/(?i:\\Auk\\z)/'],
    ['with("a=~/^u/")', `a=/\\Au/ and ${ENCODING}`, 'not a=/(?i:\\Au)/'],
    ['with("a!=uk")', `not a=/(?i:\\Auk\\z)/ and ${ENCODING}`, 'fact(a).exists==false or a=uk'],
    [
      'with("a>=10")',
      `a=/\\A(?:10|[2-9][0-9]{1}|1[1-9]|[1-9][0-9]{2,})\\z/ and ${ENCODING}`,
      'fact(a).exists==false or a=/\\A(?:0|[1-9][0-9]{0,0})\\z/',
    ],
    ['fact("a") == "uk"', `a=uk and ${ENCODING}`, 'not a=uk'],
    ['fact("a") == "a=b"', `a=/\\Aa\\x3db\\z/ and ${ENCODING}`, 'not a=/\\Aa\\x3db\\z/'],
    ['fact("a") == 4', `a=/\\A4(?:\\x2e0)?\\z/ and ${ENCODING}`, 'not a=/\\A4(?:\\x2e0)?\\z/'],
    ['fact("a") == true', `a=true and ${ENCODING}`, 'not a=true'],
    ['fact("a") == nil', 'fact(a).exists==false', 'fact(a).value=~\\A[^\\x0a]'],
    ['fact("a") != "uk"', 'not a=uk', `a=uk and ${ENCODING}`],
    [
      'fact("a") matches "^u"',
      `a=/\\Au/ and ${ENCODING}`,
      `fact(a).exists==false or not a=/\\Au/ and ${ENCODING}`,
    ],
    [
      'fact("a") contains "."',
      `a=/\\x2e/ and ${ENCODING}`,
      `fact(a).exists==false or not a=/\\x2e/ and ${ENCODING}`,
    ],
    ['fact("a") > "m"', `a>m and ${ENCODING}`, `a<=m and ${ENCODING}`],
    ['scout("x").name == "bob"', 'scout(x).name==bob', 'scout(x).name!=bob'],
    ['scout("x").size < 4', 'scout(x).size<4', 'scout(x).size>=4'],
    ['scout("x").name startsWith "b"', 'scout(x).name=~\\Ab', 'scout(x).name!=~\\Ab'],
    ['scout().ok == true', 'scout().ok==true', 'scout().ok!=true'],
  ])('%s', (text, yes, no) => {
    expect(legacyOf(text)).toBe(yes);
    expect(legacyOf(`not (${text})`)).toBe(no);
    expect(legacyOf(`with("a=b") and not (not (${text}))`)).toMatch(/^a=b and /);
  });

  it('a fact in another is asked of MCollective’s fact plugin', () => {
    expect(legacyOf('fact("os.family") == "RedHat"')).toBe(
      'fact(os.family).value=~\\ARedHat\\z and fact(os.family).value_encoding=~\\Atext/plain\\z',
    );
  });

  it('what stands behind a comparison that fails go-choria is not looked at where it does', () => {
    const more = `n=/\\A(?:[5-9]|[1-9][0-9]{1,})\\z/ and ${ENCODING}`.replaceAll('(a)', '(n)');
    const less = `n=/\\A(?:4|[0-3])\\z/ and ${ENCODING}`.replaceAll('(a)', '(n)');
    expect(legacyOf('fact("n") > 4 || with("web")')).toBe(`${more} or ${less} and web`);
    expect(legacyOf('with("web") || fact("n") > 4')).toBe(`web or ${more}`);
    expect(legacyOf('!(fact("n") > 4 && with("a=b"))')).toBe(`${less} or ${more} and not a=/(?i:\\Ab\\z)/`);
    expect(legacyOf('fact("n") > 4 && with("a=b")')).toBe(`${more} and a=b and ${ENCODING}`);
    expect(legacyOf('fact("n") != nil && fact("n") > 4 || with("web")')).toBe(
      `fact(n).value=~\\A[^\\x0a] and ${more} or ( fact(n).exists==false or ${less} ) and web`,
    );
    expect(legacyOf('scout("x").size < 4 or with("web")')).toBe(
      'scout(x).size<4 or scout(x).size>=4 and web',
    );
    expect(legacyOf('fact("n") == 4 or with("web")')).toMatch(/ or web$/);
    refused(
      () => legacyOf('with("web") and fact("n") > 4 or with("a=b")'),
      'unsupported_filter',
      /must not hold.*write "web" in classes/,
    );
  });

  it('what becomes too long is refused, also where each level doubles it', () => {
    const nested = Array(22)
      .fill(0)
      .reduce((text) => `!(${text} && with("a=b")) || with("c=d")`, 'fact("n") > 4');
    refused(() => legacyOf(nested), 'unsupported_filter', /more than 500 tokens; write what/);
    refused(
      () => legacyOf(Array(200).fill('(with("a=b") or with("c=d"))').join(' and ')),
      'unsupported_filter',
      /tokens, and at most 500 pass/,
    );
    expect(legacyOf(Array(250).fill('"a" in classes').join(' and '))).toHaveLength(250 + 249 * 5);
  });

  it('a value with a point means numbers of any form where it must not be equal', () => {
    const same = 'a=/(?i:\\A(?:4\\x2e0|4(?:\\x2e0*)?)\\z)/';
    expect(legacyOf('with("a!=4.0")')).toBe(`not ${same} and ${ENCODING}`);
    expect(legacyOf('not with("a=4.0")')).toBe(`not ${same}`);
    expect(legacyOf('with("a=4.0")')).toBe(`a=4.0 and ${ENCODING}`);
    expect(legacyOf('not with("a=4.0.1")')).toBe('not a=/(?i:\\A4\\x2e0\\x2e1\\z)/');
    refused(() => legacyOf('with("a!=1.5e-9")'), 'unsupported_filter', /not plain/);
    refused(() => legacyOf('with("a!=0x1.8p1")'), 'unsupported_filter', /not plain/);
  });

  it('what with() excludes is excluded in any case, as go-choria does', () => {
    expect(legacyOf('with("/^[^A-Z]pache$/")')).toBe('/(?i:\\A[^A-Z]pache\\z)/');
    expect(legacyOf('with("a=~/^[^u]/")')).toBe(`a=/\\A[^u]/ and a=/(?i:\\A[^u])/ and ${ENCODING}`);
    expect(legacyOf('with("a=~/^[^4]/")')).toBe(`a=/\\A[^4]/ and ${ENCODING}`);
  });

  it('with() of a name is asked of classes alone, and not at all below not', () => {
    expect(legacyOf('with("apache") or not (not with("/^web/"))')).toBe('apache or /\\Aweb/');
    for (const text of [
      'not with("apache")',
      '!(with("a=b") or with("apache"))',
      'not (not (not with("apache")))',
    ])
      refused(
        () => legacyOf(text),
        'unsupported_filter',
        /with\(\\"apache\\"\).*must not hold.*write "apache" in classes/,
      );
    refused(() => legacyOf('!with("/x/")'), 'unsupported_filter', /write any\(classes, \{# matches "x"\}\)/);
  });

  it.each([
    ['with("Apache")', /write "Apache" in classes/],
    ['with("")', /with\(/],
    ['with("/a")', /"\/a"/],
    ['with("a=b=c")', /more than one operator/],
    ['with("a=")', /no value/],
    ['with("a>/b/")', /= or =~/],
    ['with("a>=2.5")', /whole numbers/],
    ['with("a b=c")', /"a b".*name/],
    ['with("a=~/(?i)b/")', /Ruby and Go agree/],
    ['fact("a.#") == 1', /"a\.#".*name/],
    ['fact("a.01") == "b"', /"a\.01".*name/],
    ['fact("a") < 2.5', /whole numbers/],
    ['fact("a.b") < "c"', /whole numbers or words/],
    ['fact("a") < "1"', /whole numbers or words/],
    ['fact("a") < nil', /whole numbers or words/],
    ['any(classes, {# matches "\\\\b"})', /Ruby and Go agree/],
    ['scout("x").size == "4"', /without quotes/],
    ['scout("x").ok == " true"', /without quotes/],
    ['scout("x").size == nil', /one of its fields/],
    ['scout("x") == "a"', /one of its fields/],
    ['scout("x").size < "a"', /only numbers/],
    ['scout("`id`").size < 1', /no ` in a query/],
    ['system("touch x").size == 1', /"system".*method of Ruby/],
    ['scout("x").exit == 1', /exit.*method of Ruby/],
  ])('%s is refused, naming it', (text, sentence) => {
    refused(() => legacyOf(text), 'unsupported_filter', sentence);
    refused(() => legacyOf(`with("a=b") and not (${text})`), 'unsupported_filter');
  });
});
