import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { formatPath, type KeyPath } from '../../src/config/problem.ts';
import { configSchema } from '../../src/setup/schema.ts';
import { type Case, MINIMAL, minimalWith, problemsOf } from './sample.ts';

/** What may stand at a key: `leaf` is a text, a number, a time and so on. */
type Shape = 'leaf' | 'list' | 'section';

interface Key {
  readonly path: KeyPath;
  readonly shape: Shape;
  /** Sections above it: their `type`, where they have one. */
  readonly type: string | undefined;
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  z.record(z.string(), z.unknown()).parse(value);

const shapeOf = (schema: Readonly<Record<string, unknown>>): Shape =>
  [schema['type']].flat().includes('array') ? 'list' : schema['type'] === 'object' ? 'section' : 'leaf';

/** Every key that a schema knows, at a place where it can stand. */
const keysOf = (schema: Readonly<Record<string, unknown>>, path: KeyPath, type?: string): readonly Key[] => {
  if (Array.isArray(schema['oneOf']))
    return schema['oneOf'].flatMap((option: unknown) => {
      const { properties } = z
        .object({ properties: z.object({ type: z.object({ const: z.string() }) }) })
        .parse(option);
      return keysOf(record(option), path, properties.type.const);
    });
  const own: readonly Key[] = path.length === 0 ? [] : [{ path, shape: shapeOf(schema), type }];
  const properties = Object.entries(record(schema['properties'] ?? {}));
  return [
    ...own,
    ...properties.flatMap(([key, below]) => keysOf(record(below), [...path, key], type)),
    ...(schema['items'] === undefined ? [] : keysOf(record(schema['items']), [...path, 0], type)),
    ...(schema['additionalProperties'] === undefined || schema['additionalProperties'] === false
      ? []
      : keysOf(record(schema['additionalProperties']), [...path, 'it'], type)),
  ];
};

const schema = z.toJSONSchema(
  configSchema({ hostname: 'h', cluster: 'c', hasClaims: false, resolve: (path) => path }, BUILT_IN),
  {
    io: 'input',
    unrepresentable: 'any',
  },
);
const KEYS = keysOf(record(schema), []);

const WRONG: Readonly<Record<'scalar' | 'list' | 'mapping' | 'null', unknown>> = {
  scalar: 'web1',
  list: ['web1'],
  mapping: { web1: 'web2' },
  null: null,
};

/** What a key of a shape does not take. The text `web1` is right for some of the leaves. */
const wrongFor = (shape: Shape): readonly (keyof typeof WRONG)[] => {
  if (shape === 'list') return ['scalar', 'mapping', 'null'];
  return shape === 'section' ? ['scalar', 'list', 'null'] : ['list', 'mapping', 'null'];
};

/** The sample as YAML, with this value at a key. */
const documentWith = ({ path, type }: Key, value: unknown): string => {
  const document = parseDocument(MINIMAL);
  document.setIn(path, document.createNode(value, { flow: true }));
  if (type !== undefined && path.length > 2 && path.at(-1) !== 'type')
    document.setIn([...path.slice(0, 2), 'type'], type);
  return document.toString();
};

/** The line of the file that a problem of this key points at, and what may stand there. */
const told = (
  text: string,
  path: KeyPath,
): { readonly line: string; readonly allowed: string | undefined } => {
  const all = problemsOf(text);
  const start = `: ${formatPath(path)}: `;
  const found = all.find((problem) => problem.includes(start));
  if (found === undefined) throw new Error(`nothing is said of ${formatPath(path)}, but:\n${all.join('\n')}`);
  const number = Number(/^bridge\.yaml:(\d+):\d+: /.exec(found)?.[1]);
  return { line: text.split('\n')[number - 1] ?? '', allowed: /; allowed: (.+)/.exec(found)?.[1] };
};

describe('a key with a value of another shape is told with its place and what to write:', () => {
  it('every key', () => {
    const count = (shape: Shape): number => KEYS.filter((key) => key.shape === shape).length;
    expect([count('section') > 20, count('list') > 15, count('leaf') > 100]).toEqual([true, true, true]);
  });

  it.each(KEYS.map((key) => ({ ...key, name: formatPath(key.path) })))('$name ($type)', (key) => {
    const last = key.path.at(-1);
    for (const wrong of wrongFor(key.shape)) {
      // One value stands for a list of one.
      if ((last === 'server_public_key' || last === 'crl') && wrong === 'scalar') continue;
      const { line, allowed } = told(documentWith(key, WRONG[wrong]), key.path);
      expect(allowed, wrong).toBeDefined();
      expect(line, wrong).toContain(wrong === 'null' ? (typeof last === 'string' ? last : 'null') : 'web1');
    }
  });
});

const COLLECTIVES = '    collectives: [mcollective]';
const SIGNING = '    signing: { keys_dir: keys }';
const RULE = '      - regex: choria=(.+)\\.mcollective\n        to: cert=$1';
const KEYS_OF_A_RULE = 'exact, regex, to, privileged';

const CASES: readonly Case[] = [
  [
    'one value for a list',
    COLLECTIVES,
    '    collectives: mcollective',
    [
      'bridge.yaml:16:18: routes[0].collectives: "mcollective" is not allowed; allowed: a list: [mcollective]',
    ],
  ],
  [
    'a list for one of its values',
    COLLECTIVES,
    '    collectives: [[mcollective]]',
    [
      'bridge.yaml:16:19: routes[0].collectives[0]: a list is not allowed; allowed: a collective: letters, digits, "_" and "-"',
    ],
  ],
  [
    'nothing for a list',
    COLLECTIVES,
    '    collectives:',
    [
      'bridge.yaml:16:5: routes[0].collectives: has no value; allowed: a list: [one, two], of which each is a collective: letters, digits, "_" and "-"',
    ],
  ],
  [
    'a number for a list of texts',
    SIGNING,
    `    versions: 1.2\n${SIGNING}`,
    ['bridge.yaml:11:15: egresses.legacy.versions: 1.2 is not allowed; allowed: a list: ["1.2"]'],
  ],
  [
    'routes without dashes',
    '  - from: federation',
    '    from: federation',
    [
      'bridge.yaml:14:5: routes: a mapping is not allowed; allowed: a list, each entry of which begins with "- ", such as "- from: …"',
    ],
  ],
  [
    'a list of ingresses',
    '  federation:\n    type',
    '  - name: federation\n    type',
    [
      'bridge.yaml:3:3: ingresses: a list is not allowed; allowed: a section with keys, without "- ": a name for each entry, such as main',
      'bridge.yaml:14:11: routes[0].from: there is no ingress "federation"',
    ],
  ],
  [
    'a rule as a pair',
    RULE,
    '      - choria=rip: cert=rip',
    [
      'bridge.yaml:18:9: routes[0].identities[0].to: is missing; allowed: a callerid such as cert=rip, or with the groups of regex: cert=$1',
      `bridge.yaml:18:9: routes[0].identities[0].choria=rip: unknown key; allowed: ${KEYS_OF_A_RULE}`,
      'bridge.yaml:18:9: routes[0].identities[0]: give either exact or regex',
    ],
  ],
  [
    'a rule as a text',
    RULE,
    '      - choria=rip',
    [
      `bridge.yaml:18:9: routes[0].identities[0]: "choria=rip" is not allowed; allowed: a section with keys: ${KEYS_OF_A_RULE}`,
    ],
  ],
  [
    'a section without anything in it',
    SIGNING,
    `    tls:\n${SIGNING}`,
    [
      'bridge.yaml:11:5: egresses.legacy.tls: has no value; allowed: a section with keys: ca, crl, crl_expired, cert, key, verify, min_version, ciphers',
    ],
  ],
  [
    'a list for a secret, which nothing of is shown',
    SIGNING,
    `    user: x\n    password: [hunter2]\n${SIGNING}`,
    [
      'bridge.yaml:12:15: egresses.legacy.password: a list is not allowed; allowed: a password; put it in quotes',
    ],
  ],
  [
    'quotes and backslashes, as they stand in the file',
    'to: cert=$1',
    `to: user "late"\n      - { regex: 'a\\.b(', to: cert=x }`,
    [
      `bridge.yaml:19:13: routes[0].identities[0].to: 'user "late"' is not allowed; allowed: a callerid such as cert=rip, or with the groups of regex: cert=$1`,
      'bridge.yaml:20:18: routes[0].identities[1].regex: "a\\.b(" is not allowed: a group is not closed; write \\( for the character itself; allowed: a regular expression such as choria=(.+)\\.mcollective',
    ],
  ],
];

describe('what people write in place of another shape:', () => {
  it.each(CASES)('%s', (_, passage, by, problems) => {
    expect(problemsOf(minimalWith(passage, by))).toEqual(problems);
  });
});
