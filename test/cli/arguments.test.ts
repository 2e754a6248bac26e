import { InvalidArgumentError } from 'commander';
import { describe, expect, test } from 'vitest';
import {
  parseFact,
  parseIdentity,
  parseInput,
  parseNode,
  parseSecondsAsMs,
} from '../../src/cli/arguments.ts';
import { Float } from '../../src/envelope/value.ts';

describe('a fact filter', () => {
  test.each([
    ['country=uk', 'country', '==', 'uk'],
    ['country==uk', 'country', '==', 'uk'],
    ['country != uk', 'country', '!=', 'uk'],
    ['cores>=4', 'cores', '>=', '4'],
    ['cores<=4', 'cores', '<=', '4'],
    ['cores>4', 'cores', '>', '4'],
    ['cores<4', 'cores', '<', '4'],
    ['name=~^web', 'name', '=~', '^web'],
    ['name=/^web/', 'name', '=~', '/^web/'],
    ['os.family=Debian', 'os.family', '==', 'Debian'],
    ['path=a=b', 'path', '==', 'a=b'],
    // As MCollective forgives.
    ['cores=>4', 'cores', '>=', '4'],
    ['cores=<4', 'cores', '<=', '4'],
  ])('%s', (text, fact, operator, value) => {
    expect(parseFact(text)).toEqual({ fact, operator, value });
  });

  test.each(['country', 'country=', '=uk', '', 'a b=c', '!=x'])('is not %j', (text) => {
    expect(() => parseFact(text)).toThrow(InvalidArgumentError);
  });
});

describe('an input', () => {
  test.each([
    ['fact=country', 'country'],
    ['n=5', 5],
    ['n=-7', -7],
    ['n=1180591620717411303424', 1180591620717411303424n],
    ['n=2.5', 2.5],
    ['n=3.0', new Float(3)],
    ['b=true', true],
    ['b=null', null],
    ['l=[1,"x"]', [1, 'x']],
    ['m={"a":{"b":1}}', new Map([['a', new Map([['b', 1]])]])],
    ['s="5"', '5'],
    ['s=', ''],
    ['s=True', 'True'],
    ['s=007', '007'],
    ['s={not json', '{not json'],
    ['url=http://host/?a=b', 'http://host/?a=b'],
    ['line=a\nb', 'a\nb'],
    ['n:=5', '5'],
    ['n:=null', 'null'],
    ['n:="x"', '"x"'],
    ['n:=', ''],
  ])('%s', (text, value) => {
    const [key, parsed] = parseInput(text);
    expect(key).toBe(text.split(/:?=/)[0]);
    expect(parsed).toEqual(value);
  });

  test('is binary where JSON says base64', () => {
    expect(parseInput('data={"base64":"AP8="}')[1]).toEqual(Buffer.from([0, 255]));
  });

  test.each(['noequals', '=5', ':=5', ''])('is not %j', (text) => {
    expect(() => parseInput(text)).toThrow(InvalidArgumentError);
  });

  test('does not nest for ever', () => {
    expect(() => parseInput(`deep=${'['.repeat(100)}${']'.repeat(100)}`)).toThrow(InvalidArgumentError);
  });
});

test('a node is a name and an identity may be a pattern too', () => {
  expect(parseNode('web1.example.net')).toBe('web1.example.net');
  expect(parseIdentity('/^web/')).toBe('/^web/');
  for (const wrong of ['/^web/', 'a b', '*', '>', 'x.>', '', '.x', 'a..b'])
    expect(() => parseNode(wrong)).toThrow(InvalidArgumentError);
  for (const wrong of ['//', '/x', '*', '']) expect(() => parseIdentity(wrong)).toThrow(InvalidArgumentError);
});

test('a time is seconds', () => {
  expect(parseSecondsAsMs('0.5')).toBe(500);
  expect(parseSecondsAsMs('60')).toBe(60_000);
  for (const wrong of ['0', '-1', '1e9', 'soon', '', '3601', '1.2.3'])
    expect(() => parseSecondsAsMs(wrong)).toThrow(InvalidArgumentError);
});
