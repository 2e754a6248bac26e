import { describe, expect, it } from 'vitest';
import { EMPTY_FILTER } from '../../../src/envelope/filter.ts';
import { Float, type Value } from '../../../src/envelope/value.ts';
import { evaluatorOf, fits, problemsOf, questionOf, warningsOf } from './rules.ts';

describe('inputs', () => {
  const holds = (test: string, value?: Value): boolean =>
    fits(`inputs: { n: { ${test} } }`, { data: new Map(value === undefined ? [] : [['n', value]]) });

  it.each<[string, Value | undefined, boolean]>([
    ['equals: mysqld', 'mysqld', true],
    ['equals: mysqld', 'Mysqld', false],
    ['equals: 5', 5, true],
    ['equals: 5', new Float(5), true],
    ['equals: 5', '5', false],
    ['equals: "5"', 5, false],
    ['equals: true', true, true],
    ['equals: true', 'true', false],
    ['equals: mysqld', undefined, false],
    ['one_of: [a, 2]', 'a', true],
    ['one_of: [a, 2]', 2, true],
    ['one_of: [a, 2]', '2', false],
    ['matches: my.*', 'mysqld', true],
    ['matches: my.*', 'xmysqld', false],
    ['matches: my', 'mysqld', false],
    ['matches: my.*', 'mysqld\nrm', false],
    ['matches: "5"', 5, false],
    ['range: { from: 1, to: 5 }', 5, true],
    ['range: { from: 1, to: 5 }', 5.5, false],
    ['range: { from: 1 }', 2n ** 70n, true],
    ['range: { to: 5 }', Number.NaN, false],
    ['range: { from: 1, to: 5 }', '3', false],
    ['range: { from: 1, to: 5 }', undefined, false],
    ['present: true', null, true],
    ['present: true', undefined, false],
    ['present: false', undefined, true],
    ['present: false', '', false],
  ])('%s of %s is %s', (test, value, wanted) => {
    expect(holds(test, value)).toBe(wanted);
  });

  it('are refused where they say nothing, or two things', () => {
    expect(problemsOf('rules: [{ inputs: { n: {} }, verdict: allow }]')).toEqual([
      'dba.yaml:1:24: rules[0].inputs.n: give one of equals, one_of, matches, range, present',
    ]);
    expect(problemsOf('rules: [{ inputs: { n: { range: { from: 5, to: 1 } } }, verdict: allow }]')).toEqual([
      'dba.yaml:1:48: rules[0].inputs.n.range.to: is less than 5 (from), so nothing fits',
    ]);
  });
});

describe('what a request has to bear', () => {
  const uk = { fact: 'country', operator: '==', value: 'uk' } as const;
  it.each([
    ['facts: [country=uk]', { fact: [uk] }, true],
    ['facts: ["country==uk"]', { fact: [uk] }, true],
    ['facts: [country=uk]', { fact: [{ ...uk, operator: '=~' }] }, false],
    ['facts: [country=uk]', {}, false],
    ['facts: [country=uk, "cpus>=4"]', { fact: [uk] }, false],
    ['facts: ["cpus>=4"]', { fact: [uk, { fact: 'cpus', operator: '>=', value: '4' }] }, true],
    ['classes: [db]', { cfClass: ['web', 'db'] }, true],
    ['classes: [db]', { cfClass: ['/db/'] }, false],
    ['identities: [a, b]', { identity: ['b'] }, true],
    ['identities: [a, b]', { identity: ['b', 'c'] }, false],
    ['identities: [a]', {}, false],
    ['any_filter: true', { identity: ['b'] }, true],
    ['any_filter: true', { agent: ['service'] }, false],
  ] as const)('%s: %j is %j', (words, filter, wanted) => {
    expect(fits(`requires: { ${words} }`, { filter: { ...EMPTY_FILTER, ...filter } })).toBe(wanted);
  });

  it('identities may be the nodes that it is sent to', () => {
    expect(fits('requires: { identities: [a, b] }', { nodes: ['a', 'b'] })).toBe(true);
    expect(fits('requires: { identities: [a, b] }', { nodes: ['a', 'c'] })).toBe(false);
  });
});

describe('nodes', () => {
  it.each([
    [['db1.example', 'db22.example'], true],
    [['db1.example', 'web1.example'], false],
    [['xdb1.example'], false],
    [undefined, false],
  ])('are all that a request names: %j is %j', (nodes, wanted) => {
    expect(fits('nodes: [/db\\d+\\.example/]', { nodes })).toBe(wanted);
  });
});

describe('ways', () => {
  it.each([
    ['collectives: [uk]', { collective: 'uk' }, { collective: 'mcollective' }],
    ['ingress: [federation]', { ingress: 'federation' }, { ingress: 'clients' }],
    ['egress: [legacy]', { egress: 'legacy' }, { egress: 'choria' }],
    ['as: [cert=alice]', { as: 'cert=alice' }, { as: 'cert=bob' }],
    ['callers: ["*"]', { caller: 'x=y' }, undefined],
    ['agents: [service.restart]', {}, { action: 'stop' }],
    ['agents: ["service.*"]', { action: 'stop' }, { agent: 'servic' }],
  ])('%s fit %j, and not %j', (words, good, bad) => {
    expect(fits(words, good)).toBe(true);
    if (bad !== undefined) expect(fits(words, bad)).toBe(false);
  });
});

describe('windows', () => {
  const at = (window: string, time: string): boolean =>
    fits(`windows: [{ ${window} }]`, { time: Date.parse(time) });

  it.each([
    // A Monday in winter, one hour ahead of UTC.
    ['from: 09:00, to: 17:00, zone: Europe/Berlin', '2026-11-30T08:00:00Z', true],
    ['from: 09:00, to: 17:00, zone: Europe/Berlin', '2026-11-30T07:59:59Z', false],
    ['from: 09:00, to: 17:00, zone: Europe/Berlin', '2026-11-30T15:59:59Z', true],
    ['from: 09:00, to: 17:00, zone: Europe/Berlin', '2026-11-30T16:00:00Z', false],
    // In summer it is two.
    ['from: 09:00, to: 17:00, zone: Europe/Berlin', '2026-07-01T07:00:00Z', true],
    ['from: 09:00, to: 17:00, zone: Europe/Berlin', '2026-07-01T15:30:00Z', false],
    ['days: [mon], from: 00:00, to: 24:00, zone: UTC', '2026-11-30T23:59:59Z', true],
    ['days: [mon], from: 00:00, to: 24:00, zone: UTC', '2026-12-01T00:00:00Z', false],
    // Over midnight it belongs to the day on which it began.
    ['days: [sat], from: 22:00, to: 04:00, zone: UTC', '2026-11-28T22:00:00Z', true],
    ['days: [sat], from: 22:00, to: 04:00, zone: UTC', '2026-11-29T03:59:00Z', true],
    ['days: [sat], from: 22:00, to: 04:00, zone: UTC', '2026-11-28T03:00:00Z', false],
    ['days: [sat], from: 22:00, to: 04:00, zone: UTC', '2026-11-29T22:30:00Z', false],
    // 02:00 to 03:00 is left out on 29 March 2026, and there twice on 25 October.
    ['from: 02:00, to: 03:00, zone: Europe/Berlin', '2026-03-29T00:59:59Z', false],
    ['from: 02:00, to: 03:00, zone: Europe/Berlin', '2026-03-29T01:00:00Z', false],
    ['from: 02:00, to: 03:00, zone: Europe/Berlin', '2026-10-25T00:30:00Z', true],
    ['from: 02:00, to: 03:00, zone: Europe/Berlin', '2026-10-25T01:30:00Z', true],
    ['from: 02:00, to: 03:00, zone: Europe/Berlin', '2026-10-25T02:00:00Z', false],
    // Not by whole hours.
    ['from: 05:45, to: 06:00, zone: Asia/Kathmandu', '2026-11-30T00:00:00Z', true],
  ])('%s at %s: %j', (window, time, wanted) => {
    expect(at(window, time)).toBe(wanted);
  });

  it('hold where one of them does', () => {
    const words = `windows:
  - { days: [sun], from: 00:00, to: 24:00, zone: UTC }
  - { days: [mon], from: 12:00, to: 13:00, zone: UTC }`;
    expect(fits(words, { time: Date.parse('2026-11-30T12:30:00Z') })).toBe(true);
    expect(fits(words, { time: Date.parse('2026-11-30T13:30:00Z') })).toBe(false);
  });

  it('say why they do not, by their own clocks', () => {
    const evaluator = evaluatorOf(
      'rules: [{ windows: [{ from: 09:00, to: 10:00, zone: Asia/Tokyo }], verdict: allow }]',
    );
    expect(evaluator.explain(questionOf({ time: Date.parse('2026-11-30T12:05:00Z') })).passed).toEqual([
      { rule: 'dba.yaml:1', why: 'windows: it is mon 21:05 in Asia/Tokyo' },
    ]);
  });

  it.each([
    ['from: 9, to: 10:00, zone: UTC', 'windows[0].from'],
    ['from: 25:00, to: 10:00, zone: UTC', 'windows[0].from'],
    ['from: 09:60, to: 10:00, zone: UTC', 'windows[0].from'],
    ['from: 09:00, to: 09:00, zone: UTC', 'windows[0].to'],
    ['from: 09:00, to: 10:00, zone: Europe/Berln', 'windows[0].zone'],
    ['from: 09:00, to: 10:00, zone: "+02:00"', 'windows[0].zone'],
    ['from: 09:00, to: 10:00', 'windows[0].zone'],
  ])('are refused: %s', (window, key) => {
    const problems = problemsOf(`rules: [{ windows: [{ ${window} }], verdict: allow }]`);
    expect(problems).toEqual([expect.stringContaining(`rules[0].${key}: `)]);
  });
});

describe('groups', () => {
  it('may be in groups, and a circle is named', () => {
    expect(
      problemsOf('groups: { a: [choria=x, b], b: [c], c: [a, choria=y] }\nrules: [{ verdict: allow }]'),
    ).toEqual(['dba.yaml:1:25: groups.a[1]: a group cannot be part of itself: a → b → c → a']);
    expect(problemsOf('groups: { a: [a] }\nrules: [{ verdict: allow }]')).toEqual([
      'dba.yaml:1:15: groups.a[0]: a group cannot be part of itself: a → a',
    ]);
  });

  it('are refused where they are not there, with what was meant', () => {
    expect(problemsOf('groups: { dba: [dab] }\nrules: [{ callers: [dbaa], verdict: allow }]')).toEqual([
      'dba.yaml:1:17: groups.dba[0]: there is no group "dab"; did you mean "dba"?',
      'dba.yaml:2:21: rules[0].callers[0]: there is no group "dbaa"; did you mean "dba"?',
    ]);
  });
});

describe('rules that nothing reaches', () => {
  const behind = (first: string, second: string): number =>
    warningsOf(`rules:\n  - { name: first, ${first} }\n  - { name: second, ${second} }\n`).length;

  it.each([
    ['verdict: allow', 'agents: [puppet], verdict: deny', 1],
    ['agents: [puppet], verdict: allow', 'agents: [puppet.run], verdict: deny', 1],
    ['agents: [puppet.run], verdict: allow', 'agents: [puppet], verdict: deny', 0],
    ['callers: [/c=.*/], verdict: allow', 'callers: [c=x], verdict: deny', 1],
    ['callers: [c=x], verdict: allow', 'callers: [/c=.*/], verdict: deny', 0],
    ['callers: [c=x], verdict: allow', 'verdict: deny', 0],
    ['collectives: [uk, de], verdict: allow', 'collectives: [uk], verdict: deny', 1],
    ['verdict: deny, shadow: true', 'verdict: deny', 0],
    ['discovery: true, verdict: deny', 'verdict: deny', 0],
    ['inputs: { a: { equals: 1 } }, verdict: allow', 'inputs: { a: { equals: 1 } }, verdict: deny', 1],
    ['inputs: { a: { equals: 1 } }, verdict: allow', 'inputs: { a: { equals: 2 } }, verdict: deny', 0],
  ])('%s, then %s: %j', (first, second, wanted) => {
    expect(behind(first, second)).toBe(wanted);
  });

  it('are named, with what hides them', () => {
    expect(warningsOf('rules:\n  - { verdict: allow }\n  - { verdict: deny }\n')).toEqual([
      'dba.yaml:3:5: rules[1]: nothing reaches this rule: dba.yaml:2 fits all that it fits, and comes before',
    ]);
  });
});

describe('rules are refused', () => {
  it.each([
    ['verdict: deny, max_nodes: 5', 'max_nodes: says nothing where all is refused: leave it out'],
    ['verdict: allow, shadow: true', 'shadow: says nothing here: this rule refuses nothing'],
    ['verdict: allow, reason: because', 'reason: is told to nobody: this rule refuses nothing'],
    ['verdict: deny, discovery: true, agents: [a]', 'agents: says nothing about discovery: leave it out'],
    ['verdict: deny, name: a b', 'name: "a b" is not allowed'],
    ['verdict: deny, agents: [a.b.c]', 'agents[0]: "a.b.c" is not allowed'],
    ['verdict: deny, callers: [/c=.(/]', 'callers[0]: "/c=.(/" is not allowed: a group is not closed'],
    ['verdict: deny, callers: [/alice/]', 'callers[0]: "/alice/" is not allowed: it matches no caller'],
  ])('%s', (words, message) => {
    expect(problemsOf(`rules: [{ ${words} }]`)).toEqual([expect.stringContaining(`rules[0].${message}`)]);
  });

  it('for a name that is taken', () => {
    expect(
      problemsOf('rules:\n  - { name: a, agents: [a], verdict: deny }\n  - { name: a, verdict: deny }\n'),
    ).toEqual(['dba.yaml:3:13: rules[1].name: the rule at dba.yaml:2 has this name already']);
  });
});
