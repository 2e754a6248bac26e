import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namingNodes } from '../../../../src/adapters/mcollective/wire/named-nodes.ts';
import { EMPTY_FILTER, type Filter } from '../../../../src/envelope/filter.ts';
import { askRuby } from '../../kit/filter-language/ruby-matcher.ts';

const NODES = ['web1', 'web1.example.net', 'web2.example.net', 'db-1.example.net', 'xweb1.example.net'];
const names = fc.uniqueArray(fc.constantFrom(...NODES, 'gone.example.net'), { minLength: 1, maxLength: 5 });
const identity = fc.array(
  fc.constantFrom(...NODES, '/web/', '/^web/', '/net$/', '/web|db/', '/^(x?)web1/', '/\\d\\./', '/nobody/'),
  { maxLength: 4 },
);
/** What Ruby is asked about it; its lists as JSON has them. */
const asFilter = ({ fact, cfClass: cf_class, agent, identity, compound }: Filter): object => ({
  fact,
  cf_class,
  agent,
  identity,
  compound,
});

describe('a filter that names nodes', () => {
  it('holds on just those of the nodes for which the filter alone holds on a real daemon', () => {
    const cases = fc.sample(fc.record({ names, identity }), 300).map(({ names, identity }) => {
      const given: Filter = { ...EMPTY_FILTER, identity, language: 'mcollective' };
      const joined = namingNodes(given, names);
      if (joined === undefined) throw new Error(`${identity} cannot be joined`);
      return { names, given, joined };
    });
    const nodes = NODES.map((name) => ({ identity: name, facts: {}, classes: [], agents: [] }));
    const alone = askRuby(
      cases.map(({ given }) => ({ filter: asFilter(given) })),
      nodes,
    );
    const together = askRuby(
      cases.map(({ joined }) => ({ filter: asFilter(joined) })),
      nodes,
    );
    for (const [i, { names, given }] of cases.entries()) {
      const wanted = NODES.map((node, at) => names.includes(node) && alone[i]?.truths[at] === true);
      expect(together[i]?.truths, `${names} within ${given.identity}`).toEqual(wanted);
    }
  });

  it('names each node once, for a daemon does not take a request whose filter names it twice', () => {
    expect(namingNodes(EMPTY_FILTER, ['a', 'b', 'a'])?.identity).toEqual(['a', 'b']);
  });

  it.each([
    ['an extended expression, whose comment would swallow the rest', ['/(?x)web # those/']],
    ['more expressions than the names may be repeated in', Array.from({ length: 40 }, (_, i) => `/web${i}/`)],
  ])('is not made of %s', (_, identity) => {
    const many = Array.from({ length: 200 }, (_, i) => `node${i}.example.net`);
    expect(namingNodes({ ...EMPTY_FILTER, identity, language: 'mcollective' }, many)).toBeUndefined();
  });
});
