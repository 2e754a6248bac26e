import { describe, expect, it } from 'vitest';
import {
  type CompoundStyle,
  decodeFilter,
  encodeFilter,
} from '../../../../src/adapters/choria/wire/filter.ts';
import { object, refused } from './support.ts';

const empty = { fact: [], cf_class: [], agent: [], identity: [], compound: [] };
const decode = (parts: object) => decodeFilter(object(JSON.stringify({ ...empty, ...parts })));
const fromLegacy = (parts: object, style: CompoundStyle) =>
  JSON.parse(JSON.stringify(encodeFilter({ ...decode(parts), language: 'mcollective' }, style)));
const again = (parts: object, style?: CompoundStyle) =>
  JSON.parse(JSON.stringify(encodeFilter(decode(parts), style)));

describe('filters', () => {
  it('keep facts, classes, agents, identities and the collective of discovery', () => {
    const parts = {
      fact: [
        { fact: 'country', operator: '=~', value: '/uk|fr/' },
        { fact: 'cpus', operator: '>=', value: '2' },
      ],
      cf_class: ['apache', '/^role::/'],
      agent: ['rpcutil'],
      identity: ['c1.example.net', '/c\\d/'],
      collective: 'mcollective',
    };
    expect(again(parts)).toEqual({ ...empty, ...parts });
  });

  it("keep Ruby's compound token lists", () => {
    const call = { name: 'fstat', params: '/etc/hosts', value: 'size', operator: '>', r_compare: '1' };
    const compound = [
      [{ statement: 'country=uk' }, { and: 'and' }, { not: 'not' }, { fstatement: call }],
      [{ statement: 'a' }, { or: 'or' }, { statement: 'b' }],
    ];
    expect(again({ compound })).toEqual({ ...empty, compound });
    const [list] = decode({ compound }).compound;
    expect(list).toEqual({
      kind: 'and',
      operands: [
        { kind: 'fact', fact: 'country', operator: '==', value: 'uk' },
        {
          kind: 'not',
          operand: {
            kind: 'data',
            call: { name: 'fstat', params: '/etc/hosts', value: 'size', operator: '>', compare: '1' },
          },
        },
      ],
    });
  });

  it('keep function calls without parameters or without a value', () => {
    // What MCollective's `create_function_hash` makes of `agents()=x`.
    const compound = [[{ fstatement: { name: 'agents', params: null, operator: '==', r_compare: 'x' } }]];
    expect(again({ compound })).toEqual({ ...empty, compound });
  });

  it("keep what Go's expressions mean, as one, because of several Go wants the greater half", () => {
    const compound = [
      [{ expr: 'with("apache") && fact("country") == "uk"' }],
      [{ expr: 'with("a") || with("b")' }],
    ];
    expect(again({ compound }, 'expr').compound).toEqual([
      [{ expr: 'with("apache") and fact("country") == "uk" and (with("a") or with("b"))' }],
    ]);
  });

  it("keep an expression of Go's that legacy filters have no words for, for Go's nodes alone", () => {
    const compound = [[{ expr: 'semver(fact("version"), ">1") ? true : false' }]];
    expect(again({ compound }, 'expr')).toEqual({ ...empty, compound });
    refused(() => again({ compound }), 'unsupported_filter', /semver\(fact.*character 1 of/);
    // Joined with another, `true) or (true` would be something else.
    const two = [[{ expr: 'true) or (true' }], [{ expr: 'with("a")' }]];
    refused(() => again({ compound: two }, 'expr'), 'unsupported_filter', /cannot be joined/);
  });

  it('are written for Go and for Ruby', () => {
    const legacy = [
      [{ statement: 'apache' }, { and: 'and' }, { statement: 'country=uk' }],
      [{ statement: 'web' }],
    ];
    expect(again({ compound: legacy }, 'expr').compound).toEqual([
      [{ expr: '"apache" in classes and fact("country") == "uk" and "web" in classes' }],
    ]);
    const go = [[{ expr: '"apache" in classes or not ("web" in classes)' }]];
    expect(again({ compound: go }, 'tokens').compound).toEqual([
      [{ statement: 'apache' }, { or: 'or' }, { not: 'not' }, { statement: 'web' }],
    ]);
  });

  const plain = {
    fact: [
      { fact: 'country', operator: '==', value: 'uk' },
      { fact: 'cores', operator: '>=', value: '4' },
    ],
    cf_class: ['apache', 'Apache', '/^my/', '/^[^a]/'],
    agent: ['rpcutil', '/a/b/'],
    identity: ['/^c\\d/'],
  };

  it('of legacy clients are said in one expression for Go, with the plain ones beside it that match more', () => {
    const compound = [[{ statement: 'web' }], [{ statement: 'a=b' }]];
    expect(fromLegacy({ ...plain, compound }, 'expr')).toEqual({
      ...empty,
      fact: [{ fact: 'country', operator: '==', value: 'uk' }],
      cf_class: ['apache', '/^my/'],
      agent: ['rpcutil', '/ab/'],
      identity: ['/^c\\d/'],
      compound: [[{ expr: expect.stringMatching(/^"web" in classes and fact\("a"\) == "b" and /) }]],
    });
    expect(fromLegacy({ ...plain, compound }, 'expr').compound[0][0].expr).toContain(
      '"apache" in classes and "Apache" in classes and any(classes, {# matches "\\\\Amy"}) and any(classes, {# matches "\\\\A[^a]"})',
    );
  });

  it('of legacy clients without facts and classes get no expression', () => {
    const parts = { agent: ['rpcutil', '/^rpc/'], identity: ['c1', '/^c/'] };
    expect(fromLegacy(parts, 'expr')).toEqual({ ...empty, ...parts });
  });

  it.each<[CompoundStyle, string, object]>([
    ['tokens', 'legacy clients', fromLegacy(plain, 'tokens')],
    ['tokens', 'Choria’s clients', again(plain, 'tokens')],
    ['expr', 'Choria’s clients', again(plain, 'expr')],
  ])('for nodes that take %s are those of %s, word for word', (_style, _clients, written) => {
    expect(written).toEqual({ ...empty, ...plain });
  });

  it.each([
    [{ fact: [{ fact: 'a', operator: '=~', value: '/(?i)uk/' }] }, /"\(?.*in the fact filter cannot/],
    [{ fact: [{ fact: 'load', operator: '!=', value: '1.5' }] }, /"load!=1\.5" in the fact filter cannot/],
    [{ fact: [{ fact: 'a', operator: '<', value: 'x\n4' }] }, /in the fact filter.*more than one line/],
    [{ cf_class: ['/\\h/'] }, /in the class filter cannot/],
    [{ identity: ['/(?!c)/'] }, /in the identity filter cannot/],
    [{ agent: ['/(?!c)/'] }, /in the agent filter cannot/],
  ])('of legacy clients are refused where Go nodes might match more: %j', (parts, sentence) => {
    refused(() => fromLegacy(parts, 'expr'), 'unsupported_filter', sentence);
  });

  it('may lack agents, but nothing else', () => {
    expect(decode({ agent: undefined }).agent).toEqual([]);
    for (const part of ['fact', 'cf_class', 'identity', 'compound'])
      refused(() => decode({ [part]: undefined }), 'missing_field', new RegExp(`no ${part}`));
  });

  it.each([
    ['fact', 'country=uk'],
    ['fact', ['country=uk']],
    ['fact', [{ fact: 'a', operator: '~', value: 'b' }]],
    ['fact', [{ fact: 'a', operator: '==', value: 1 }]],
    ['fact', [{ operator: '==', value: '1' }]],
    ['cf_class', [1]],
    ['agent', {}],
    ['identity', [null]],
    ['compound', ['country=uk']],
    ['compound', [['country=uk']]],
    ['compound', [[{}]]],
    ['compound', [[{ statement: 'a', and: 'and' }]]],
    ['compound', [[{ statement: 1 }]]],
    ['compound', [[{ xor: 'xor' }]]],
    ['compound', [[{ fstatement: 'x' }]]],
    ['compound', [[{ fstatement: { name: 'a', operator: '==' } }]]],
    ['compound', [[{ fstatement: { name: 'a', params: 1, operator: '==', r_compare: '' } }]]],
    ['compound', [[{ fstatement: { name: 'a', value: 1, operator: '==', r_compare: '' } }]]],
    ['compound', [[{ expr: 'true' }, { expr: 'true' }]]],
    ['compound', [[{ expr: 1 }]]],
    ['compound', [[{ expr: `with("${'a'.repeat(20_000)}")` }]]],
    ['compound', [[]]],
    ['compound', Array(1001).fill([{ expr: '(' }])],
    ['collective', 1],
    ['limit', 1],
  ])('are refused where %s is %j, by that name', (part, value) => {
    refused(() => decode({ [part]: value }), 'unsupported_filter', new RegExp(part));
  });
});
