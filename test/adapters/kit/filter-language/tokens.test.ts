import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTokens, printTokens, type Token } from '../../../../src/adapters/kit/filter-language/tokens.ts';
import type { FunctionStatement } from '../../../../src/envelope/expression.ts';
import { refused } from '../../choria/wire/support.ts';
import { legacyExpressions } from './expressions.ts';

/** `a and ( b or not c )`, in words. */
const tokens = (text: string): readonly Token[] =>
  text.split(' ').map((word): Token => {
    if (word === 'and' || word === 'or' || word === 'not' || word === '(' || word === ')')
      return { kind: word };
    return { kind: 'statement', text: word };
  });
const words = (list: readonly Token[]): string =>
  list.map((token) => (token.kind === 'statement' ? token.text : token.kind)).join(' ');
const called = (part: Partial<FunctionStatement>): Token => ({
  kind: 'function',
  call: { name: 'fstat', params: '/etc/hosts', value: 'md5', operator: '==', compare: 'x', ...part },
});

describe('a token list', () => {
  it('comes back from an expression as it was', () => {
    fc.assert(
      fc.property(legacyExpressions, (expression) => {
        const list = printTokens(expression);
        const parsed = parseTokens(list);
        expect(parsed).toEqual(expression);
        expect(printTokens(parsed)).toEqual(list);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['a and b or c', 'or'],
    ['a or b and c', 'or'],
    ['not a and b', 'and'],
    ['( a or b ) and c', 'and'],
    ['not ( a and b )', 'not'],
    ['not not a', 'not'],
  ])('%s is an %s first of all, and needs no other parentheses', (text, kind) => {
    const expression = parseTokens(tokens(text));
    expect(expression.kind).toBe(kind);
    expect(words(printTokens(expression))).toBe(text);
  });

  it('loses parentheses that it does not need', () => {
    expect(words(printTokens(parseTokens(tokens('( ( a ) and ( b and ( c ) ) ) or ( not ( d ) )'))))).toBe(
      'a and b and c or not d',
    );
  });

  it.each([
    ['and', /"and" .* expected/],
    ['a and', /"and" .* expected/],
    ['a and or b', /"and or b"/],
    ['or a', /"or a"/],
    ['a b', /"a b".*and, or, or the end/],
    ['a not b', /"a not b"/],
    ['not', /"not"/],
    ['( a', /"a".*not closed/],
    ['a )', /"a \)".*and, or, or the end/],
    ['( )', /"\( \)"/],
  ])('%s is refused, which a daemon cannot evaluate either', (text, sentence) => {
    refused(() => parseTokens(tokens(text)), 'unsupported_filter', sentence);
  });

  it('is refused where it is empty, too long or too deep', () => {
    refused(() => parseTokens([]), 'unsupported_filter', /empty/);
    refused(() => parseTokens(tokens(`a${' and a'.repeat(300)}`)), 'unsupported_filter', /500 tokens/);
    for (const [start, end] of [
      ['( ', ' )'],
      ['not ', ''],
    ] as const) {
      const text = (count: number): string => `${start.repeat(count)}a${end.repeat(count)}`;
      expect(parseTokens(tokens(text(50))).kind).toBe(start === '( ' ? 'class' : 'not');
      refused(() => parseTokens(tokens(text(60))), 'unsupported_filter', /50 levels/);
    }
  });

  it.each([
    ['country=uk', { kind: 'fact', fact: 'country', operator: '==', value: 'uk' }],
    ['motd=/a\u2028b/', { kind: 'fact', fact: 'motd', operator: '=~', value: 'a\u2028b' }],
    ['cpus>=4', { kind: 'fact', fact: 'cpus', operator: '>=', value: '4' }],
    ['cpus<4', { kind: 'fact', fact: 'cpus', operator: '<', value: '4' }],
    ['path=/^\\/usr\\/<x>/', { kind: 'fact', fact: 'path', operator: '=~', value: '^\\/usr\\/<x>' }],
    ['motd=two words', { kind: 'fact', fact: 'motd', operator: '==', value: 'two words' }],
    ['/^role::/', { kind: 'class-pattern', pattern: '^role::' }],
    ['role::web', { kind: 'class', name: 'role::web' }],
  ])('with the statement %s asks what a daemon asks', (text, leaf) => {
    const list: readonly Token[] = [{ kind: 'statement', text }];
    expect(parseTokens(list)).toEqual(leaf);
    expect(printTokens(parseTokens(list))).toEqual(list);
  });

  it.each([
    ['', /empty/],
    ['a!=b', /write not a=b/],
    ['a==b', /one =/],
    ['a=~b', /one =/],
    ['a=~/b/', /one =/],
    ['a=', /a fact and a value/],
    ['=b', /a fact and a value/],
    ['a=>b', /more than one operator/],
    ['a=b=c', /more than one operator/],
    ['a>=b=c', /more than one operator/],
    ['a>/b/', /fact=/],
    ['a=/b', /fact=/],
    ['a=//', /fact=/],
    ['a=/x=y/', /fact=/],
    ['a = b', /spaces/],
    ['/a', /class by regular expression/],
    ['/a/=b', /class by regular expression/],
    ['/a/b/', /class by regular expression/],
    ['//', /class by regular expression/],
    ['a=b\nc', /line/],
  ])('with the statement %j is refused, because a daemon does something odd with it', (text, sentence) => {
    const error = refused(() => parseTokens([{ kind: 'statement', text }]), 'unsupported_filter', sentence);
    expect(error.message).toContain(JSON.stringify(text));
  });

  // `Data.send('system', 'touch /tmp/x')` would be run by the daemon, before it has looked at the agent's policy.
  it.each([
    { name: 'system' },
    { name: 'instance_eval' },
    { name: 'const_get' },
    { name: '`' },
    { name: 'a b' },
    { value: 'exit' },
    { value: 'instance_eval' },
    { value: 'x=' },
  ])('that would call %j, a method of Ruby’s, is not written', (part) => {
    const expression = parseTokens([called(part)]);
    refused(() => printTokens(expression), 'unsupported_filter', /method of Ruby/);
  });

  it('that would call any other method that a daemon has is not written either', () => {
    const script = `require 'json'; require 'mcollective'; data = MCollective::Data
      of = ->(object) { (object.methods + object.private_methods).map(&:to_s).grep(/^[A-Za-z_]/).uniq }
      print JSON.generate([of.(data), of.(data::Result.new({})) - ['[]', 'include?', 'keys']])`;
    const [names, values]: readonly (readonly string[])[] = JSON.parse(
      execFileSync('ruby', ['-W0', '-e', script]).toString(),
    );
    expect(names).toContain('system');
    for (const name of names ?? [])
      expect(() => printTokens(parseTokens([called({ name })])), name).toThrow(/method of Ruby/);
    for (const value of values ?? [])
      expect(() => printTokens(parseTokens([called({ value })])), value).toThrow(/method of Ruby/);
  });

  it('may ask data functions whatever plugins there are', () => {
    for (const part of [
      {},
      { name: 'puppet', value: 'enabled' },
      { value: 'name' },
      { value: 'type' },
      { value: null },
    ])
      expect(printTokens(parseTokens([called(part)]))).toEqual([called(part)]);
  });
});
