import { describe, expect, it } from 'vitest';
import { refused } from '../../choria/wire/support.ts';
import { legacyOf } from './wording.ts';

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
      `a=/\\A(?:10|[2-9][0-9]{1}|1[1-9]|[1-9][0-9]{2,17})\\z/ and ${ENCODING}`,
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
    ['scout().ok == true', 'scout().ok==true and not scout().ok=~(?:)', 'scout().ok!=true'],
    ['scout("x").v == 4', 'scout(x).v==4 and not scout(x).v=~(?:)', 'scout(x).v!=4'],
    ['scout("x").v != 4', 'scout(x).v!=4', 'scout(x).v==4 and not scout(x).v=~(?:)'],
    ['with("a=\u0085uk\u0085")', `a=uk and ${ENCODING}`, 'not a=/(?i:\\Auk\\z)/'],
    [
      'with("a=\ufeffuk\ufeff")',
      `a=/\\A\ufeffuk\ufeff\\z/ and ${ENCODING}`,
      'not a=/(?i:\\A\ufeffuk\ufeff\\z)/',
    ],
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

  it('a name in with() is looked for in lower case, and below not only where it can be no agent’s', () => {
    expect(legacyOf('with("Apache")')).toBe('apache');
    expect(legacyOf('not with("Role::Web")')).toBe('not role::web');
    expect(legacyOf('!(with("role::web") && with("a-b"))')).toBe('not ( role::web and a-b )');
    refused(() => legacyOf('not with("puppet")'), 'unsupported_filter', /write "puppet" in classes/);
  });

  it('what stands behind a comparison that fails go-choria is not looked at where it does', () => {
    const more = `n=/\\A(?:[5-9]|[1-9][0-9]{1,17})\\z/ and ${ENCODING}`.replaceAll('(a)', '(n)');
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
    expect(legacyOf('with("/^[^A-Z]pache$/")')).toBe('/\\A[^A-Za-zKſ]pache\\z/');
    expect(legacyOf('with("a=~/^[^u]/")')).toBe(`a=/\\A[^uU]/ and ${ENCODING}`);
    expect(legacyOf('with("a=~/^[^4]/")')).toBe(`a=/\\A[^4]/ and ${ENCODING}`);
    expect(legacyOf('not with("a=~/^[^u]/")')).toBe('not a=/(?i:\\A[^u])/');
  });

  it.each(['[éè]', '[à-ü]', '[^é]', '[aé]'])(
    'not with("a=/%s/") is refused, because Ruby’s (?i:…) knows no case of such letters',
    (source) => {
      refused(() => legacyOf(`not with("a=/${source}/")`), 'unsupported_filter', /beyond ASCII.*\(\?:é\|è\)/);
    },
  );

  it('letters beyond ASCII are asked for as they are, and below not in any case', () => {
    expect(legacyOf('with("a=/^[éè]/")')).toBe(`a=/\\A[éè]/ and ${ENCODING}`);
    expect(legacyOf('not with("a=/^(é|è)/")')).toBe('not a=/(?i:\\A(?:é|è))/');
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
        /with\("apache"\).*must not hold.*write "apache" in classes/,
      );
    refused(() => legacyOf('!with("/x/")'), 'unsupported_filter', /write any\(classes, \{# matches "x"\}\)/);
  });

  it.each([
    ['with("")', /with\(/],
    ['with("/a")', /"\/a"/],
    ['with("a=b=c")', /more than one operator/],
    ['with("a=")', /no value/],
    ['with("a>/b/")', /= or =~/],
    ['with("a>=2.5")', /whole numbers/],
    ['with("a b=c")', /"a b".*name/],
    ['with("a=~/(?i)b/")', /Ruby and Go agree/],
    ['with("a=~/[^é]/")', /beyond ASCII/],
    ['fact("a.#") == 1', /"a\.#".*name/],
    ['fact("a.01") == "b"', /"a\.01".*name/],
    ['fact("a") < 2.5', /whole numbers/],
    ['fact("a.b") < "c"', /whole numbers or words/],
    ['fact("a") < "1"', /whole numbers or words/],
    ['fact("a") < nil', /whole numbers or words/],
    ['any(classes, {# matches "\\\\b"})', /Ruby and Go agree/],
    ['scout("x").size == "4"', /without quotes/],
    ['scout("x").ok == " true"', /without quotes/],
    ['scout("x").ok == "true\\u0000"', /without quotes/],
    ['scout("x").v == "\\u00004"', /without quotes/],
    ['with("\ufeffa=uk")', /name/],
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
