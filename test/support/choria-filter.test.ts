import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Refused } from './choria-checks.ts';
import { type Filtered, fits } from './choria-filter.ts';
import type { Dialect, Json } from './choria-messages.ts';
import { RUBY_FOLDER } from './mcollectived.ts';
import { run } from './process.ts';

const EMPTY = { fact: [], cf_class: [], agent: [], identity: [], compound: [] };

const verdictOf = (filter: Json, node: Filtered, dialect: Dialect): boolean | 'refused' => {
  try {
    return fits(filter, node, dialect);
  } catch (error) {
    if (error instanceof Refused) return 'refused';
    throw error;
  }
};

describe('a Go node of the fleet takes filters as go-choria does', async () => {
  const verdict = z.union([z.boolean(), z.literal('refused')]);
  const json = z.record(z.string(), z.unknown());
  const recorded = z.object({
    node: z.object({
      identity: z.string(),
      agents: z.array(z.string()),
      classes: z.array(z.string()),
      facts: json,
      data: z.record(z.string(), z.record(z.string(), json)),
    }),
    expressions: z.array(z.tuple([z.string(), verdict])),
    filters: z.array(z.tuple([json, verdict])),
    values: z.array(z.string()),
    facts: z.array(z.tuple([z.string(), z.string(), z.array(z.string())])),
  });
  const text = await readFile(new URL('go-verdicts.json', import.meta.url), 'utf8');
  const { node, expressions, filters, values, facts } = recorded.parse(JSON.parse(text));

  test.each(expressions)('expr %s: %s', (expr, expected) => {
    expect(verdictOf({ ...EMPTY, compound: [[{ expr }]] }, node, 'go')).toBe(expected);
  });

  test.each(filters)('%j: %s', (filter, expected) => {
    expect(verdictOf({ ...EMPTY, ...filter }, node, 'go')).toBe(expected);
  });

  test.each(facts)('fact %s %s matches %j', (fact, operator, expected) => {
    const matching = values.filter((value) =>
      fits({ ...EMPTY, fact: [{ fact, operator, value }] }, node, 'go'),
    );
    expect(matching).toEqual(expected);
  });

  test.each([
    'fact("n") + 1 == 5',
    'let x = 1; x == 1',
    'semver(fact("ver"), "> 1")',
    'with("a") ? true : false',
    'facts.n == 4',
    '1 < 2 < 3',
  ])('says so of what it does not evaluate: %s', (expr) => {
    expect(() => fits({ ...EMPTY, compound: [[{ expr }]] }, node, 'go')).toThrow(/fleet/);
  });
});

describe('a Ruby node of the fleet takes filters as MCollective’s own code does', async () => {
  const node = {
    identity: 'n1.example.net',
    agents: ['rpcutil', 'discovery', 'echo'],
    classes: ['apache', 'role::web', 'Upper'],
    facts: {
      country: 'uk',
      cpus: '10',
      octal: '010',
      nine: '09',
      load: '1.5',
      text: 'one\ntwo',
      under: '1_0',
      hex: '0x10',
      odd: '1x2',
      empty: '',
      number: 4,
      yes: true,
      list: ['a', 'b'],
      net: { eth0: 'x' },
    },
    data: {
      fstat: {
        '/etc/hosts': { size: 10, type: 'file', present: true },
        '/none': { size: 0, type: 'unknown' },
      },
    },
  };
  const values = [
    'uk',
    'UK',
    'u',
    '/u/',
    '/U/',
    '/^two/',
    '^one$',
    '/\\Atwo/',
    '2',
    '10',
    '9',
    '010',
    '1.4',
    '1.50',
    '123',
    '4',
  ];
  const others = [
    'true',
    'a',
    'eth0',
    'x',
    '/(/',
    '1x2',
    '0x9',
    '9_9',
    '08',
    '/',
    '//',
    '/./',
    '/^$/',
    '10\nx',
    '\\h',
  ];
  const facts = [...Object.keys(node.facts), 'nope'].flatMap((fact) =>
    ['==', '!=', '<', '>', '<=', '>=', '=~', '='].flatMap((operator) =>
      [...values, ...others].map((value) => ({ fact: [{ fact, operator, value }] })),
    ),
  );
  const names = [
    'apache',
    'APACHE',
    '/apa/',
    '/APA/',
    '/^role::/',
    '/a/b/',
    'x',
    '/(/',
    'Upper',
    'upper',
    '/',
    'a/',
  ];
  const agents = ['rpcutil', 'mcollective', '/^rpc/', '/xyz/', 'x', '/(/'];
  const identities = ['n1.example.net', '/n1/', '/^n1\\./', '/n2/', 'n2', '/(/', '/N1/', '/example.net$/'];
  const statements = [
    'country=uk',
    'country=/^U/',
    'country!=uk',
    'cpus>9',
    'cpus<=9',
    'load>=1.2',
    'nine>08',
    'apache',
    '/^role/',
    'nope=x',
    'nope>1',
    'fstat("/etc/hosts").size>5',
    'fstat("/etc/hosts").size=10',
    'fstat("/etc/hosts").size!=10',
    'fstat("/etc/hosts").size=ten',
    'fstat("/etc/hosts").type=/^fi/',
    'fstat("/etc/hosts").type!=/^fi/',
    'fstat("/etc/hosts").type>a',
    'fstat("/etc/hosts").present=true',
    'fstat("/etc/hosts").present=yes',
    'fstat("/etc/hosts").size=/1/',
    'fstat("/none").nothing=1',
    'missing("x").y=1',
  ];
  const forms = [
    (a: string) => a,
    (a: string) => `not ${a}`,
    (a: string) => `!${a}`,
    (a: string, b: string) => `${a} and ${b}`,
    (a: string, b: string) => `${a} or not ${b}`,
    (a: string, b: string) => `not (${a} or ${b})`,
    (a: string, b: string) => `x or ${a} and ${b}`,
    (a: string, b: string) => `(x or ${a} ) and (${b} or apache)`,
    (a: string, b: string) => `not ${a} and not ${b} or country=uk`,
  ];
  const compounds = forms.flatMap((form) =>
    statements.flatMap((a) => ['apache', 'x', 'cpus=10', 'fstat("/none").size=0'].map((b) => form(a, b))),
  );
  const tokens = [
    [{ expr: 'with("apache")' }],
    [],
    [{ statement: 'apache' }, { statement: 'apache' }],
    [{ '(': '(' }, { statement: 'apache' }],
    [{ and: 'and' }],
    [{ statement: 'country=' }],
    [{ statement: 'country==' }],
    [{ statement: 'country==uk' }],
    [{ statement: 'country=>uk' }],
    [{ not: 'not' }, { not: 'not' }, { statement: 'apache' }],
    [{ '!': '!' }, { statement: 'apache' }],
  ];
  const filters: readonly Json[] = [
    EMPTY,
    {},
    { ...EMPTY, collective: 'mcollective' },
    { fact: [], cf_class: [], identity: [], compound: [] },
    { ...EMPTY, agent: ['rpcutil'], collective: 'mcollective' },
    ...facts.map((one) => ({ ...EMPTY, ...one })),
    ...names.flatMap((one) => [{ cf_class: [one] }, { cf_class: ['apache', one] }]),
    ...agents.flatMap((one) => [{ agent: [one] }, { agent: ['echo', one] }]),
    ...identities.flatMap((one) => [
      { identity: [one] },
      { identity: ['/n1/', one] },
      { identity: ['n2', one] },
    ]),
    { ...EMPTY, identity: ['/n1/'], cf_class: ['apache'], agent: ['echo'] },
    { ...EMPTY, identity: ['/n1/'], cf_class: ['x'], agent: ['echo'] },
    ...[...compounds, ...tokens].map((one) => ({ ...EMPTY, compound: [one] })),
    { ...EMPTY, compound: ['apache', 'country=uk', 'x'] },
    { ...EMPTY, compound: ['apache', 'country=uk'] },
  ];

  const answer = z.union([
    z.object({ filter: z.record(z.string(), z.unknown()), verdict: z.union([z.boolean(), z.string()]) }),
    z.object({ unparsed: z.string() }),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'mcbridge-filters-'));
  const nodeFile = join(folder, 'node.json');
  // Ruby's facts come as texts, made so by the code under comparison.
  await writeFile(nodeFile, JSON.stringify(node));
  const { stdout, stderr } = await run('ruby', [join(RUBY_FOLDER, 'filters.rb'), nodeFile], {
    env: { RUBYOPT: '-W0', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' },
    input: `${filters.map((one) => JSON.stringify(one)).join('\n')}\n`,
  });
  await rm(folder, { recursive: true, force: true });
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => answer.parse(JSON.parse(line)));

  test('is asked about all of them, and Ruby can read them', () => {
    expect(stderr).toBe('');
    expect(answers).toHaveLength(filters.length);
    expect(answers.filter((one) => 'unparsed' in one)).toEqual([]);
    const verdicts = answers.map((one) => ('verdict' in one ? one.verdict : undefined));
    for (const verdict of [true, false])
      expect(verdicts.filter((one) => one === verdict).length).toBeGreaterThan(300);
    expect(new Set(verdicts.filter((one) => typeof one === 'string')).size).toBeGreaterThan(2);
  });

  test('agrees with Ruby on each', () => {
    const differences = answers.flatMap((one) => {
      if ('unparsed' in one) return [];
      const own = verdictOf(one.filter, node, 'ruby');
      const expected = typeof one.verdict === 'string' ? 'refused' : one.verdict;
      return own === expected ? [] : [{ filter: JSON.stringify(one.filter), own, ruby: one.verdict }];
    });
    expect(differences).toEqual([]);
  });
});
