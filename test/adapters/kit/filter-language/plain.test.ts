import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFilter, encodeFilter } from '../../../../src/adapters/choria/wire/filter.ts';
import { filterToRuby } from '../../../../src/adapters/mcollective/wire/filter.ts';
import type { Filter } from '../../../../src/envelope/filter.ts';
import { Rejection } from '../../../../src/envelope/rejection.ts';
import { goFits, type Node } from './nodes.ts';
import { json } from './plain-json.ts';
import { askRuby } from './ruby-matcher.ts';

type Json = Readonly<Record<string, unknown>>;
type Operator = '==' | '!=' | '=~' | '<' | '>' | '<=' | '>=';
interface Plain {
  readonly fact: readonly { readonly fact: string; readonly operator: Operator; readonly value: string }[];
  readonly cf_class: readonly string[];
  readonly identity: readonly string[];
  readonly agent: readonly string[];
  readonly compound: readonly (readonly Json[])[];
}

/** Undefined where it is refused; nothing else may go wrong. */
const unlessRefused = <T>(translate: () => T): T | undefined => {
  try {
    return translate();
  } catch (error) {
    expect(error).toBeInstanceOf(Rejection);
    expect(error).toMatchObject({ code: 'unsupported_filter' });
    return undefined;
  }
};

const WORDS = ['uk', 'UK', 'u', 'true', 'false', ' uk', 'a=b', 'ü', 'x\nuk', '', '/uk/', '/'];
const NUMBERS = ['0', '4', '9', '10', '16', '04', '010', '100', '4.0', '4.5', '-4', '100.0', '1x0', '9.5'];
const SOURCES = [
  'uk',
  '^u',
  'K$',
  '^[^u]',
  '[^\\d]',
  'u.',
  '^.$',
  '^4',
  '^[0-9]+$',
  '\\Auk\\z',
  'a\\/b',
  '(?i)uk',
  'u|4',
  '/uk',
  'x\\/',
  '\\h',
  '\\W',
];
const operator = fc.constantFrom<Operator[]>('==', '!=', '<', '>', '<=', '>=');
const name = fc.constantFrom('a', 'n', 'os', 'os.family', 'net.family', 'none');
const fact = fc.oneof(
  fc.record({ fact: name, operator, value: fc.constantFrom(...WORDS, ...NUMBERS, '12', '5.', '1.2.3') }),
  fc.record({
    fact: name,
    operator: fc.constant<Operator>('=~'),
    value: fc.constantFrom(...SOURCES.map((source) => `/${source}/`), 'uk', '/uk', 'x\n/u/', '/4/\nx'),
  }),
);
const nameOrPattern = (...names: readonly string[]): fc.Arbitrary<string> =>
  fc.constantFrom(
    ...names,
    '/^[^a]/',
    '/b\\/a/',
    '/b/-a/',
    '/web',
    '/',
    '//',
    '/(?i)WEB/',
    '/WEB/',
    '/^web/',
  );
const list = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { maxLength: 1 });
const IDENTITIES = ['web1.example.net', 'Web1.example.net', 'db1'];
const CLASSES = ['apache', 'Apache', 'role::web', 'b-a', 'uk'];
const AGENTS = ['rpcutil', 'echo', 'web'];
const plain: fc.Arbitrary<Plain> = fc
  .oneof(
    { weight: 4, arbitrary: fc.record({ fact: fc.array(fact, { minLength: 1, maxLength: 2 }) }) },
    fc.record({ cf_class: list(nameOrPattern('APACHE', ...CLASSES)) }),
    fc.record({ identity: list(nameOrPattern(...IDENTITIES)) }),
    fc.record({ agent: list(nameOrPattern('RPCUTIL', ...AGENTS)) }),
    fc.record({ fact: list(fact), cf_class: list(nameOrPattern(...CLASSES)), agent: fc.constant(['echo']) }),
  )
  .map((some) => ({ fact: [], cf_class: [], agent: [], identity: [], compound: [], ...some }));

const nodesWith = (value: fc.Arbitrary<unknown>, os: fc.Arbitrary<unknown>): fc.Arbitrary<Node> =>
  fc.record({
    identity: fc.constantFrom(...IDENTITIES),
    facts: fc.record({ a: value, n: value, os }, { requiredKeys: [] }),
    classes: fc.subarray(CLASSES),
    agents: fc.subarray(AGENTS),
  });
const texts = fc.constantFrom(...WORDS, ...NUMBERS, '011', '017', '1', '1000', '0', 'fr', 'a/b', '5\nx');
const choriaNodes = nodesWith(
  fc.oneof(
    texts,
    fc.constantFrom<unknown>(
      0,
      4,
      4.5,
      9,
      10,
      16,
      -4,
      100,
      true,
      false,
      null,
      ['uk'],
      ['4', 'fr'],
      { uk: 1 },
      [],
    ),
  ),
  fc.constantFrom<unknown>('uk', { family: 'uk' }, { 4: 1 }),
);
/** Of one line: a daemon's `^` and `$` are at each, which docs/filters.md tells. */
const legacyNodes = fc
  .tuple(
    nodesWith(
      texts.filter((text) => !text.includes('\n')),
      fc.constantFrom('uk', 'UK', '4'),
    ),
    fc.constantFrom('uk', 'UK', '4', 'x'),
  )
  .map(([node, family]): Node => ({ ...node, facts: { ...node.facts, net: { family } } }));

const SAMPLES = 600;
const sample = <T>(arbitrary: fc.Arbitrary<T>, count = SAMPLES): readonly T[] => fc.sample(arbitrary, count);

describe('a legacy client’s plain filter for Go nodes', () => {
  const asked = (filter: Plain): Json => {
    const decoded: Filter = { ...decodeFilter({ ...filter }), language: 'mcollective' };
    return JSON.parse(JSON.stringify(encodeFilter(decoded, 'expr')));
  };

  it('matches no node that a daemon with the same facts would not match', () => {
    const nodes = sample(choriaNodes, 80);
    const cases = sample(plain).flatMap((filter) => {
      const translation = unlessRefused(() => asked(filter));
      return translation === undefined ? [] : [{ filter, translation }];
    });
    expect(cases.length).toBeGreaterThan(SAMPLES / 2);
    const wider: unknown[] = [];
    let matches = 0;
    for (const [index, { truths }] of askRuby(cases, nodes).entries())
      for (const [at, node] of nodes.entries()) {
        const { filter, translation } = cases[index] ?? {};
        if (filter === undefined || translation === undefined || goFits(translation, node) !== true) continue;
        matches += 1;
        if (!truths[at]) wider.push({ filter, translation, node });
      }
    expect(wider.slice(0, 3)).toEqual([]);
    expect(matches).toBeGreaterThan(500);
  });

  it('has beside the expression what matches no less', () => {
    const nodes = sample(choriaNodes, 80);
    for (const filter of sample(plain)) {
      const translation = unlessRefused(() => asked(filter));
      if (translation === undefined) continue;
      const alone = { ...translation, fact: [], cf_class: [] };
      for (const node of nodes)
        expect([translation, node, goFits(translation, node)]).toEqual([
          translation,
          node,
          goFits(alone, node),
        ]);
    }
  });

  it('matches the same nodes where facts are words, in any case', () => {
    const words = nodesWith(fc.constantFrom('uk', 'UK', 'fr', 'Fr'), fc.constantFrom('uk', 'UK'));
    const values = fc.constantFrom('uk', 'UK', 'Fr', 'm');
    const filters = sample(
      fc.record({
        fact: fc.array(fc.record({ fact: fc.constantFrom('a', 'os'), operator, value: values }), {
          minLength: 1,
          maxLength: 2,
        }),
        cf_class: list(fc.constantFrom(...CLASSES)),
      }),
      200,
    ).map((some): Plain => ({ agent: [], identity: [], compound: [], ...some }));
    const nodes = sample(words, 40);
    const cases = filters.map((filter) => ({ filter }));
    for (const [index, { truths }] of askRuby(cases, nodes).entries()) {
      const { filter } = cases[index] ?? {};
      if (filter === undefined) throw new Error('more answers than cases');
      for (const [at, node] of nodes.entries())
        expect([filter, node, goFits(asked(filter), node) ?? false]).toEqual([filter, node, truths[at]]);
    }
  });
});

describe('a plain filter of one of Choria’s clients for legacy daemons', () => {
  const NUMBER = /^\d+(?:\.\d+)?$/;

  /** Texts as a daemon's facts are, or the numbers that their digits may be taken for. */
  const isMeant = (filter: Plain, node: Node): boolean => {
    const numbers = JSON.parse(JSON.stringify(node.facts), (_, value) =>
      NUMBER.test(`${value}`) ? Number(value) : value,
    );
    // By size digits are numbers; of several comparisons each may take its own view.
    const { fact: facts, ...rest } = filter;
    return (
      goFits({ ...rest, fact: [] }, node) === true &&
      facts.every((one) => {
        const alone = { cf_class: [], agent: [], identity: [], compound: [], fact: [one] };
        return goFits(alone, /[<>]/.test(one.operator) ? { ...node, facts: numbers } : node) === true;
      })
    );
  };

  it('matches no daemon that go-choria’s own reading would not match', () => {
    const nodes = sample(legacyNodes, 80);
    const cases = sample(plain).flatMap((filter) => {
      const translation = unlessRefused(() => json(filterToRuby(decodeFilter({ ...filter }))));
      return typeof translation === 'object' && translation !== null
        ? [{ original: filter, filter: translation }]
        : [];
    });
    expect(cases.length).toBeGreaterThan(SAMPLES / 2);
    const wider: unknown[] = [];
    let matches = 0;
    for (const [index, { truths }] of askRuby(cases, nodes).entries())
      for (const [at, node] of nodes.entries()) {
        const { original, filter } = cases[index] ?? {};
        if (original === undefined || !truths[at]) continue;
        matches += 1;
        if (!isMeant(original, node)) wider.push({ original, filter, node });
      }
    expect(wider.slice(0, 3)).toEqual([]);
    expect(matches).toBeGreaterThan(500);
  });
});
