import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFilter, encodeFilter } from '../../../../src/adapters/choria/wire/filter.ts';
import { runs } from '../../../support/seed.ts';
import {
  choriaTexts,
  completeNodes,
  goHolds,
  legacyTexts,
  type Node,
  oddNodes,
  plainNodes,
  typedNodes,
} from './nodes.ts';
import { askRuby } from './ruby-matcher.ts';

const EMPTY = { fact: [], cf_class: [], agent: [], identity: [] };
const decoded = (tokens: readonly unknown[]) => decodeFilter({ ...EMPTY, compound: [tokens] });

const exprOf = (tokens: readonly unknown[]): string => {
  const { compound } = JSON.parse(JSON.stringify(encodeFilter(decoded(tokens), 'expr')));
  return compound[0][0].expr;
};
const tokensOf = (expr: string): readonly unknown[] => {
  const { compound } = JSON.parse(JSON.stringify(encodeFilter(decoded([{ expr }]), 'tokens')));
  return compound[0];
};

interface Disagreement {
  readonly text: string;
  readonly translation: unknown;
  readonly node: Node;
}

/** By node: what a text in Ruby's language and its translation, or the other way round, select. */
const compare = (
  texts: readonly string[],
  nodes: readonly Node[],
  from: 'legacy' | 'choria',
): {
  readonly wider: readonly Disagreement[];
  readonly narrower: readonly Disagreement[];
  readonly matches: number;
} => {
  const wider: Disagreement[] = [];
  const narrower: Disagreement[] = [];
  let matches = 0;
  const cases = texts.map((text) => (from === 'legacy' ? { text } : { tokens: tokensOf(text) }));
  for (const [index, { tokens, truths, error }] of askRuby(cases, nodes).entries()) {
    expect(error).toBeUndefined();
    const text = texts[index] ?? '';
    const expr = from === 'legacy' ? exprOf(tokens) : text;
    for (const [at, node] of nodes.entries()) {
      const go = goHolds(expr, node) ?? false;
      const ruby = truths[at] ?? false;
      const [original, translated] = from === 'legacy' ? [ruby, go] : [go, ruby];
      if (original) matches += 1;
      const translation = from === 'legacy' ? expr : tokens;
      if (translated && !original) wider.push({ text, translation, node });
      if (original && !translated) narrower.push({ text, translation, node });
    }
  }
  return { wider, narrower, matches };
};

/** Of which legacy nodes may find fewer. */
const NARROW = [
  'with("n!=4.0")',
  '!(with("n=4.0"))',
  '!(with("n!=4.0"))',
  'with("/^[^W]/")',
  'with("/[^A-Z]pache$/") && with("a=/[^A-Z]k/")',
];

const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number): T[] => fc.sample(arbitrary, count);

describe('a legacy filter as an expression for go-choria', () => {
  it('matches no node that MCollective’s own matcher would not match', () => {
    const { wider, matches } = compare(
      sample(legacyTexts, runs(250)),
      [...sample(typedNodes, 30), ...sample(oddNodes, 30)],
      'legacy',
    );
    expect(wider.slice(0, 3)).toEqual([]);
    expect(matches).toBeGreaterThan(runs(500));
  });

  it('matches the same nodes where facts are plain texts', () => {
    const { wider, narrower } = compare(sample(legacyTexts, runs(200)), sample(plainNodes, 40), 'legacy');
    expect([...wider, ...narrower].slice(0, 3)).toEqual([]);
  });
});

describe('an expression of go-choria’s as a legacy token list', () => {
  it('matches no node that go-choria would not match', () => {
    const { wider, matches } = compare(
      [...NARROW, ...sample(choriaTexts, runs(250))],
      sample(typedNodes, 40),
      'choria',
    );
    expect(wider.slice(0, 3)).toEqual([]);
    expect(matches).toBeGreaterThan(runs(500));
  });

  it('matches the same nodes where facts are plain texts in lower case, and agents are no classes', () => {
    const { wider, narrower } = compare(sample(choriaTexts, runs(200)), sample(completeNodes, 40), 'choria');
    expect([...wider, ...narrower].slice(0, 3)).toEqual([]);
  });
});
