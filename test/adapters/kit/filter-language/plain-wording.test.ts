import { describe, expect, it } from 'vitest';
import { decodeFilter, encodeFilter } from '../../../../src/adapters/choria/wire/filter.ts';
import { filterToRuby } from '../../../../src/adapters/mcollective/wire/filter.ts';
import { fromRuby } from '../../../../src/adapters/mcollective/wire/values.ts';
import type { Expression } from '../../../../src/envelope/expression.ts';
import type { Filter } from '../../../../src/envelope/filter.ts';
import { refused } from '../../choria/wire/support.ts';
import { json } from './plain-json.ts';
import { askRuby } from './ruby-matcher.ts';

type Json = Readonly<Record<string, unknown>>;
type Operator = '==' | '!=' | '=~' | '<' | '>' | '<=' | '>=';
interface Plain {
  readonly fact: readonly { readonly fact: string; readonly operator: Operator; readonly value: string }[];
  readonly cf_class: readonly string[];
  readonly identity: readonly string[];
  readonly agent: readonly string[];
}

const EMPTY = { fact: [], cf_class: [], agent: [], identity: [], compound: [] };

describe('a plain filter of one of Choria’s clients, in a daemon’s words', () => {
  it.each<[Partial<Plain>]>([
    [{ fact: [{ fact: 'country', operator: '==', value: 'UK' }] }],
    [{ fact: [{ fact: 'country', operator: '=~', value: '/^u/' }] }],
    [{ fact: [{ fact: 'cores', operator: '!=', value: '4' }] }],
    [{ cf_class: ['apache', '/^role::/'], identity: ['c1', '/c\\d/'], agent: ['echo', '/^rpc/'] }],
  ])('is carried word for word where case makes no match more: %j', (parts) => {
    const filter = { fact: [], cf_class: [], agent: [], identity: [], compound: [], ...parts };
    expect(json(filterToRuby(decodeFilter(filter)))).toEqual(filter);
  });

  it('of what is not is asked besides without regard to case', () => {
    const filter = {
      fact: [{ fact: 'country', operator: '!=', value: 'uk' }],
      cf_class: ['/[^a]/'],
      identity: [],
    };
    expect(json(filterToRuby(decodeFilter({ ...filter, agent: [], compound: [] })))).toEqual({
      ...filter,
      agent: [],
      compound: [[{ not: 'not' }, { statement: 'country=/(?i:\\Auk\\z)/' }], [{ statement: '/[^aA]/' }]],
    });
  });

  const beside = (operator: Operator, fact: string, value: string): unknown => {
    const filter = { fact: [{ fact, operator, value }], cf_class: [], agent: [], identity: [], compound: [] };
    return json(filterToRuby(decodeFilter(filter)));
  };
  const isPlain = (params: string): Json => ({
    fstatement: {
      r_compare: '\\Atext/plain\\z',
      operator: '=~',
      value: 'value_encoding',
      name: 'fact',
      params,
    },
  });

  it('of what compares by size is asked besides whether it is digits', () => {
    expect(beside('>=', 'cores', '4')).toMatchObject({
      fact: [{ fact: 'cores', operator: '>=', value: '4' }],
      compound: [
        [{ statement: 'cores=/\\A(?:4|[5-9]|[1-9][0-9]{1,17})\\z/' }, { and: 'and' }, isPlain('cores')],
      ],
    });
  });

  it('of a fact with dots in its name is asked as in an expression, and found', () => {
    const filter = beside('==', 'os.family', 'RedHat');
    expect(filter).toMatchObject({
      fact: [],
      compound: [
        [
          { fstatement: { params: 'os.family', value: 'value', operator: '=~', r_compare: '\\ARedHat\\z' } },
          { and: 'and' },
          isPlain('os.family'),
        ],
      ],
    });
    const nodes = ['RedHat', 'Debian'].map((family) => ({
      identity: 'n1',
      facts: { os: { family } },
      classes: [],
      agents: [],
    }));
    expect(askRuby([{ filter: filter as object }], nodes)).toEqual([{ truths: [true, false] }]);
  });

  it.each<[Partial<Plain>, string]>([
    [{ cf_class: ['/web'] }, '"/web" in the class filter cannot be translated: legacy daemons take it'],
    [{ identity: ['/d/b1/'] }, '"/d/b1/" in the identity filter'],
    [{ agent: ['/ec'] }, '"/ec" in the agent filter'],
    [{ fact: [{ fact: 'os', operator: '<', value: 'm' }] }, '"os<m" in the fact filter'],
    [{ fact: [{ fact: 'load', operator: '>', value: '1.5' }] }, 'whole numbers from 0: not with fractions'],
    [{ fact: [{ fact: 'temp', operator: '>', value: '-5' }] }, '"temp>-5" in the fact filter'],
    [{ fact: [{ fact: 'cpus', operator: '>=', value: '010' }] }, '"cpus>=010" in the fact filter'],
    [{ fact: [{ fact: 'cpus', operator: '<', value: '0' }] }, 'no whole number from 0 is less than 0'],
    [{ fact: [{ fact: 'a.b c', operator: '==', value: 'x' }] }, '"a.b c" in the fact filter'],
    [{ fact: [{ fact: 'os', operator: '=~', value: '/(?!x)/' }] }, '"/(?!x)/" in the fact filter'],
    [{ fact: [{ fact: '/os', operator: '!=', value: 'm' }] }, '"/os!=m" in the fact filter'],
  ])('is refused where daemons would match more: %j', (parts, sentence) => {
    const filter = { fact: [], cf_class: [], agent: [], identity: [], compound: [], ...parts };
    expect(() => filterToRuby(decodeFilter(filter))).toThrow(sentence);
  });
});

describe('a plain class filter in capital letters', () => {
  const classesOf = (filter: Filter): unknown => fromRuby(filterToRuby(filter).string('cf_class') ?? null);

  it('is asked in lower case of a Go client, whose nodes look for it so', () => {
    const filter = decodeFilter({ ...EMPTY, cf_class: ['Role::Web', 'ÀΣİ', '/Web/'] });
    expect(classesOf(filter)).toEqual(['role::web', 'àσi', '/Web/']);
  });

  it('stays of a Ruby client, in whose filters case counts', () => {
    const filter = decodeFilter({ ...EMPTY, cf_class: ['Role::Web'] });
    expect(classesOf({ ...filter, language: 'choria-ruby' })).toEqual(['Role::Web']);
  });
});

describe('a plain fact filter of a Ruby client', () => {
  it('is for legacy daemons word for word, with a dot that is part of the name', () => {
    const given = { fact: 'os.family', operator: '==', value: 'RedHat' } as const;
    const filter = { ...decodeFilter({ ...EMPTY, fact: [given] }), language: 'choria-ruby' } as const;
    const written = filterToRuby(filter);
    expect(fromRuby(written.string('fact') ?? null)).toEqual([new Map(Object.entries(given))]);
    expect(written.string('compound')).toEqual([]);
    expect(encodeFilter(filter, 'expr')['fact']).toEqual([given]);
  });
});

describe('plain filters of any size', () => {
  const many = 200_000;
  const values = ['1', '0', '/', 'x', '\\n/', '(', '['].flatMap((piece) => [
    `${piece.repeat(many)}x`,
    `x${piece.repeat(many)}x`,
  ]);

  it.each(['!=', '=~', '>=', '==', '<'] as const)('are read in time: %s', { timeout: 5000 }, (operator) => {
    for (const value of values) {
      const filter = decodeFilter({ ...EMPTY, fact: [{ fact: 'a', operator, value }] });
      const sentence = /"a.*the value has more than 1000 characters/;
      refused(() => filterToRuby(filter), 'unsupported_filter', sentence);
      refused(
        () => encodeFilter({ ...filter, language: 'mcollective' }, 'expr'),
        'unsupported_filter',
        sentence,
      );
    }
  });

  it.each<[string, Json]>([
    ['fact', { fact: Array(many).fill({ fact: 'a', operator: '!=', value: 'uk' }) }],
    ['class', { cf_class: Array(many).fill('a') }],
  ])('are no more than can be translated: %s', (name, parts) => {
    const filter = decodeFilter({ ...EMPTY, ...parts });
    const sentence = new RegExp(`in the ${name} filter.*${many} of them.*1000`);
    refused(
      () => encodeFilter({ ...filter, language: 'mcollective' }, 'expr'),
      'unsupported_filter',
      sentence,
    );
    refused(() => filterToRuby(filter), 'unsupported_filter', sentence);
  });

  it('are no more than can be translated: compound', () => {
    const sentence = new RegExp(`in the compound filter.*${many} of them.*1000`);
    const compound = Array(many).fill([{ expr: '(' }]);
    refused(() => decodeFilter({ ...EMPTY, compound }), 'unsupported_filter', sentence);
    const legacy: Expression[] = Array(many).fill({ kind: 'class', name: 'a' });
    const filter = { ...decodeFilter(EMPTY), compound: legacy, language: 'mcollective' } as const;
    refused(() => encodeFilter(filter, 'expr'), 'unsupported_filter', sentence);
  });

  it.each<[string, Json]>([
    [
      'fact',
      { fact: Array.from({ length: 70 }, () => ({ fact: 'a', operator: '=~', value: '.'.repeat(990) })) },
    ],
    ['class', { cf_class: Array(70).fill(`/${'.'.repeat(990)}/`) }],
    ['agent', { agent: Array(70).fill(`/${'.'.repeat(990)}/`) }],
    ['identity', { identity: Array(70).fill(`/${'.'.repeat(990)}/`) }],
  ])('have no more text to translate than can be in time: %s', (name, parts) => {
    const filter = decodeFilter({ ...EMPTY, ...parts });
    const sentence = new RegExp(`in the ${name} filter.*characters together`);
    refused(() => filterToRuby(filter), 'unsupported_filter', sentence);
    refused(
      () => encodeFilter({ ...filter, language: 'mcollective' }, 'expr'),
      'unsupported_filter',
      sentence,
    );
  });

  it('may name thousands of nodes', () => {
    const identity = Array.from({ length: 20_000 }, (_, index) => `node${index}.example.net`);
    const filter = decodeFilter({ ...EMPTY, identity });
    expect(encodeFilter(filter, 'expr')).toMatchObject({ identity });
    expect(json(filterToRuby(filter))).toMatchObject({ identity });
  });

  it('are read no further than can be translated: compound', () => {
    const list = Array(250).fill({ not: 'not' });
    const sentence = /in the compound filter.*12500 tokens/;
    refused(() => decodeFilter({ ...EMPTY, compound: Array(50).fill(list) }), 'unsupported_filter', sentence);
    const text = [{ expr: `with("${'a'.repeat(16_000)}")` }];
    refused(
      () => decodeFilter({ ...EMPTY, compound: Array(5).fill(text) }),
      'unsupported_filter',
      /characters together/,
    );
  });

  it('do not become one expression that is too long', () => {
    const list = [
      ...Array(400)
        .fill([{ statement: 'a=b' }, { and: 'and' }])
        .flat(),
      { statement: 'a=b' },
    ];
    const filter = decodeFilter({ ...EMPTY, compound: Array(10).fill(list.slice(0, 499)) });
    refused(() => encodeFilter(filter, 'expr'), 'unsupported_filter', /more than 2000 parts/);
  });

  it('do not become lists that are too long together', () => {
    const expr = `${'(fact("a") > 1 or '.repeat(20)}fact("b") > 2${')'.repeat(20)}`;
    const many = decodeFilter({ ...EMPTY, compound: Array(150).fill([{ expr }]) });
    const sentence = /become more than 2000 parts/;
    refused(() => filterToRuby(many), 'unsupported_filter', sentence);
    refused(() => encodeFilter(many, 'tokens'), 'unsupported_filter', sentence);
    const few = decodeFilter({ ...EMPTY, compound: Array(5).fill([{ expr }]) });
    expect(filterToRuby(few).string('compound')).toHaveLength(5);
  });
});
