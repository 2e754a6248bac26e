import { describe, expect, it } from 'vitest';
import { decodeFilter, encodeFilter } from '../../../src/wire/choria/filter.ts';
import { object, refused } from './support.ts';

const empty = { fact: [], cf_class: [], agent: [], identity: [], compound: [] };
const decode = (parts: object) => decodeFilter(object(JSON.stringify({ ...empty, ...parts })));
const again = (parts: object) => JSON.parse(JSON.stringify(encodeFilter(decode(parts))));

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
      [
        { statement: 'country=uk' },
        { and: 'and' },
        { '(': '(' },
        { not: 'not' },
        { fstatement: call },
        { ')': ')' },
      ],
      [{ statement: 'a' }, { or: 'or' }, { statement: 'b' }],
    ];
    expect(again({ compound })).toEqual({ ...empty, compound });
    expect(decode({ compound }).compound[0]?.[4]).toEqual({
      kind: 'function',
      call: { name: 'fstat', params: '/etc/hosts', value: 'size', operator: '>', compare: '1' },
    });
  });

  it('keep function calls without parameters or without a value', () => {
    // What MCollective's `create_function_hash` makes of `agents()=x`.
    const compound = [[{ fstatement: { name: 'agents', params: null, operator: '==', r_compare: 'x' } }]];
    expect(again({ compound })).toEqual({ ...empty, compound });
  });

  it("keep Go's expressions", () => {
    const compound = [[{ expr: 'with("apache") && fact("country") == "uk"' }], [{ expr: 'true' }]];
    expect(again({ compound })).toEqual({ ...empty, compound });
    expect(decode({ compound }).compound[1]).toEqual([{ kind: 'expression', text: 'true' }]);
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
    ['collective', 1],
    ['limit', 1],
  ])('are refused where %s is %j, by that name', (part, value) => {
    refused(() => decode({ [part]: value }), 'unsupported_filter', new RegExp(part));
  });
});
