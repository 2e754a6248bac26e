import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExpr } from '../../../../src/adapters/kit/filter-language/expr-parser.ts';
import { filterFromRuby, filterToRuby } from '../../../../src/adapters/mcollective/wire/filter.ts';
import { decodeRequest } from '../../../../src/adapters/mcollective/wire/request.ts';
import { RubyHash, RubyRegexp, RubySymbol, type RubyValue } from '../../../../src/codec/ruby/value.ts';
import type { Expression, FunctionStatement } from '../../../../src/envelope/expression.ts';
import { EMPTY_FILTER, type Filter } from '../../../../src/envelope/filter.ts';
import { Rejection } from '../../../../src/envelope/rejection.ts';
import { legacyExpressions } from '../../kit/filter-language/expressions.ts';
import { askRuby } from '../../kit/filter-language/ruby-matcher.ts';
import { capturedRequests, dumpedByRuby, serializers } from './captures.ts';

const hash = (fields: Readonly<Record<string, RubyValue>>): RubyHash => new RubyHash(Object.entries(fields));
const symbols = (fields: Readonly<Record<string, RubyValue>>): RubyHash =>
  new RubyHash(Object.entries(fields).map(([name, value]) => [new RubySymbol(name), value]));
const fromRubyText = (expression: string): Filter => {
  const [bytes = Buffer.alloc(0)] = dumpedByRuby('marshal', [expression]);
  return filterFromRuby(serializers.marshal.decode(bytes));
};

const text = fc.string({ unit: 'grapheme', maxLength: 10 });
const operator = fc.constantFrom('==', '!=', '=~', '<', '>', '<=', '>=' as const);
const asksNothing = ({ fact, cfClass, agent, identity, compound }: Filter): boolean =>
  [fact, cfClass, agent, identity, compound].every((list) => list.length === 0);
const records: fc.Arbitrary<Filter> = fc.record(
  {
    language: fc.constant('mcollective' as const),
    fact: fc.array(fc.record({ fact: text, operator, value: text })),
    cfClass: fc.array(text),
    agent: fc.array(text),
    identity: fc.array(text),
    compound: fc.array(legacyExpressions, { maxLength: 3 }),
    collective: text,
  },
  { requiredKeys: ['fact', 'cfClass', 'agent', 'identity', 'compound', 'language'] },
);
const filters = records.filter((filter) => filter.collective === undefined || !asksNothing(filter));

describe('a filter', () => {
  it.each(['marshal', 'yaml'] as const)('comes back from legacy %s as it was', (format) => {
    const { encode, decode } = serializers[format];
    fc.assert(
      fc.property(filters, (filter) => {
        expect(filterFromRuby(decode(encode(filterToRuby(filter))))).toEqual(filter);
      }),
      { numRuns: 300 },
    );
  });

  it('has string keys outside and symbol keys in its facts, as daemons look them up', () => {
    const fact = { fact: 'osfamily', operator: '=~', value: '/Deb/' } as const;
    expect(filterToRuby({ ...EMPTY_FILTER, fact: [fact] })).toEqual(
      hash({
        fact: [symbols({ fact: 'osfamily', value: '/Deb/', operator: '=~' })],
        cf_class: [],
        agent: [],
        identity: [],
        compound: [],
      }),
    );
  });

  it('has the call of a data plugin as MCollective’s matcher writes it', () => {
    const call = { name: 'fstat', params: '/etc/hosts', value: 'md5', operator: '=~', compare: 'baa' };
    const filter = filterToRuby({ ...EMPTY_FILTER, compound: [{ kind: 'data', call }] });
    expect(filter.string('compound')).toEqual([
      [
        hash({
          fstatement: hash({
            r_compare: 'baa',
            operator: '=~',
            value: 'md5',
            name: 'fstat',
            params: '/etc/hosts',
          }),
        }),
      ],
    ]);
  });

  it('of Choria’s clients has besides what makes up for case, in the same list of compound filters', () => {
    const compound: Expression[] = [{ kind: 'class', name: 'apache' }];
    const fact = { fact: 'country', operator: '!=', value: 'uk' } as const;
    const tokens = (filter: Filter) => filterToRuby(filter).string('compound');
    const given: Filter = { ...EMPTY_FILTER, fact: [fact], compound };
    expect(tokens(given)).toEqual([
      [hash({ statement: 'apache' })],
      [hash({ not: 'not' }), hash({ statement: 'country=/(?i:\\Auk\\z)/' })],
    ]);
    expect(tokens({ ...given, language: 'mcollective' })).toEqual([[hash({ statement: 'apache' })]]);
  });

  it('with a part of go-choria’s that legacy nodes have no words for is refused, quoting it', () => {
    const text = 'semver(fact("a"), "> 1")';
    const expression = parseExpr(`with("apache") or ${text}`);
    expect(() => filterToRuby({ ...EMPTY_FILTER, compound: [expression] })).toThrow(
      expect.objectContaining({
        code: 'unsupported_filter',
        message: expect.stringContaining(`'${text}'`),
      }),
    );
  });

  it('of the captures is read for what it says', () => {
    const compound = capturedRequests('marshal')
      .map(({ body }) => decodeRequest(body, serializers.marshal).readFilter().compound)
      .find((lists) => lists.length > 0);
    const fact = (name: string, value: string): Expression => ({
      kind: 'fact',
      fact: name,
      operator: '==',
      value,
    });
    expect(compound).toEqual([
      {
        kind: 'and',
        operands: [
          fact('country', 'uk'),
          {
            kind: 'or',
            operands: [
              { kind: 'class', name: 'apache' },
              { kind: 'not', operand: fact('osfamily', 'RedHat') },
            ],
          },
        ],
      },
    ]);
  });

  it('of MCollective’s own matcher is read, with the regular expression of a function as text', () => {
    const filter = fromRubyText(`(require 'mcollective'; {"compound" => [
      MCollective::Matcher.create_compound_callstack('fstat("/etc/hosts").md5=/baa/ and country=uk')]})`);
    const call: FunctionStatement = {
      name: 'fstat',
      params: '/etc/hosts',
      value: 'md5',
      operator: '=~',
      compare: 'baa',
    };
    expect(filter.compound).toEqual([
      {
        kind: 'and',
        operands: [
          { kind: 'data', call },
          { kind: 'fact', fact: 'country', operator: '==', value: 'uk' },
        ],
      },
    ]);
  });

  it('keeps what a function’s regular expression ignores', () => {
    const call = { name: 'f', operator: '=~', params: null, r_compare: new RubyRegexp('a', 1 | 4) };
    const filter = filterFromRuby(hash({ compound: [[hash({ fstatement: hash(call) })]] }));
    expect(filter.compound[0]).toMatchObject({ call: { compare: '(?mi:a)', value: null } });
  });

  it('of regular expressions as objects is one of slashes', () => {
    const filter = filterFromRuby(
      hash({
        cf_class: [new RubyRegexp('^web', 0)],
        identity: [new RubyRegexp('x', 1)],
        fact: [symbols({ fact: 'os', operator: '=~', value: new RubyRegexp('a b', 2) })],
      }),
    );
    expect(filter).toEqual({
      ...EMPTY_FILTER,
      cfClass: ['/^web/'],
      identity: ['/(?i:x)/'],
      fact: [{ fact: 'os', operator: '=~', value: '/(?x:a b)/' }],
      language: 'mcollective',
    });
  });

  it('that matches nothing in MCollective is refused, and one that matches is not', () => {
    const empty = '"fact"=>[], "cf_class"=>[], "agent"=>[], "identity"=>[], "compound"=>[]';
    const web = '"cf_class"=>["web"]';
    const fact = (key: (name: string) => string): string =>
      `{"fact"=>[{${key('fact')}=>"a", ${key('value')}=>"b", ${key('operator')}=>"=="}]}`;
    const written = [
      `{${empty}}`,
      '{}',
      `{${empty}}.transform_keys(&:b)`,
      `{${empty}, "collective"=>"mcollective"}`,
      `{${empty}}.reject { |part, _| part == "compound" }`,
      `{${empty}}.transform_keys(&:to_sym)`,
      `{${empty}}.merge("fact"=>nil)`,
      `{${empty}}.merge("identity"=>nil)`,
      `{${web}}`,
      `{${web}, "collective"=>"mcollective"}`,
      `{${web}}.transform_keys(&:b)`,
      `{${web}, "agent"=>nil}`,
      `{${web}, "compound"=>nil}`,
      fact((name) => `:${name}`),
      fact((name) => `"${name}"`),
    ];
    const taken = written.map((text) => {
      try {
        const { cfClass, fact } = fromRubyText(text);
        expect(cfClass).toEqual(text.includes('web') ? ['web'] : []);
        expect(fact).toHaveLength(text.includes('"b"') ? 1 : 0);
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(Rejection);
        return false;
      }
    });
    const node = { facts: { a: 'b' }, classes: ['web'], agents: [] };
    const truths = askRuby(
      written.map((ruby) => ({ ruby })),
      [node],
    );
    expect(taken).toEqual(truths.map(({ truths: [truth] }) => truth));
  });

  it.each<[string, RubyValue | undefined, string]>([
    ['that is not there', undefined, 'missing_field'],
    ['that is no hash', [], 'missing_field'],
    ['whose classes are no list', hash({ cf_class: 'apache' }), 'invalid_field'],
    [
      'with a part that is unknown, as `puppet_class` of MCollective 1',
      hash({ puppet_class: ['a'] }),
      'unsupported_filter',
    ],
    [
      'with one part twice',
      new RubyHash([
        ['cf_class', []],
        [new RubySymbol('cf_class'), ['apache']],
      ]),
      'unsupported_filter',
    ],
    ['with a part under a symbol', symbols({ fact: [], agent: ['rpcutil'] }), 'unsupported_filter'],
    ['with a part that is nil', hash({ fact: null, agent: ['rpcutil'] }), 'invalid_field'],
    ['that asks nothing and lacks a part', hash({ fact: [], agent: [] }), 'unsupported_filter'],
    [
      'with a fact under texts',
      hash({ fact: [hash({ fact: 'a', operator: '==', value: 'b' })] }),
      'invalid_field',
    ],
    ['with a part without a name', new RubyHash([[1, []]]), 'unsupported_filter'],
    [
      'with a slash in a regular expression that is an object',
      hash({ cf_class: [new RubyRegexp('a/b', 0)] }),
      'unsupported_filter',
    ],
    ['with a class that is no text', hash({ cf_class: [1] }), 'invalid_field'],
    ['with a fact that is no hash', hash({ fact: ['a=b'] }), 'invalid_field'],
    [
      'with a fact without a value',
      hash({ fact: [symbols({ fact: 'a', operator: '==' })] }),
      'invalid_field',
    ],
    [
      'with a fact’s operator that nobody knows',
      hash({ fact: [symbols({ fact: 'a', operator: '~', value: 'b' })] }),
      'unsupported_filter',
    ],
    ['whose compound is no list of lists', hash({ compound: ['a'] }), 'unsupported_filter'],
    ['with a token that nobody knows', hash({ compound: [[hash({ xor: 'xor' })]] }), 'unsupported_filter'],
    ['with a token without a name', hash({ compound: [[hash({})]] }), 'unsupported_filter'],
    [
      'with a function without an operator',
      hash({ compound: [[hash({ fstatement: hash({ name: 'f', r_compare: 'a' }) })]] }),
      'unsupported_filter',
    ],
    ...[2n ** 100n, true, [], hash({})].map((compare): [string, RubyValue, string] => [
      `with a function that compares with ${typeof compare}`,
      hash({ compound: [[hash({ fstatement: hash({ name: 'f', operator: '==', r_compare: compare }) })]] }),
      'unsupported_filter',
    ]),
    ['with a token that is no text', hash({ compound: [[hash({ statement: 1 })]] }), 'unsupported_filter'],
  ])('%s is refused', (_, value, code) => {
    expect(() => filterFromRuby(value)).toThrow(expect.objectContaining({ code }));
  });
});
