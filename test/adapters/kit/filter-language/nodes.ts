import fc from 'fast-check';
import { Refused } from '../../../support/choria-checks.ts';
import { fitsGo } from '../../../support/choria-filter-go.ts';
import type { Json } from '../../../support/choria-messages.ts';
import type { Node } from './ruby-matcher.ts';

export type { Node } from './ruby-matcher.ts';

/** Whose outputs are missing, or of another type. */
const ODD_SCOUTS = [
  { scout: {} },
  { scout: { x: {} } },
  { scout: { x: { size: 4 } } },
  { scout: { x: { name: 4, size: 'big' } } },
];
const SCOUTS = [{ scout: { x: { name: 'bob', size: 4 } } }, { scout: { x: { name: 'al', size: 10 } } }];

interface Values {
  readonly a: fc.Arbitrary<unknown>;
  readonly n: fc.Arbitrary<unknown>;
  readonly agents: readonly string[];
  readonly data: readonly NonNullable<Node['data']>[];
  readonly os?: fc.Arbitrary<unknown>;
  readonly required?: readonly ('a' | 'n' | 'v' | 'os')[];
}

const FAMILY = fc.constantFrom<unknown>({ family: 'uk' }, { family: 'fr' });
/** Of which a daemon looks for `family` as an index, or in a text. */
const ODD_FAMILY = fc.oneof(FAMILY, fc.constantFrom<unknown>(['family'], [{ family: 'uk' }], 'family', [[]]));

/** `a` is a text, `n` a number, `v` a boolean, `os.family` a text within a hash. */
const nodesOf = ({ a, n, os = FAMILY, agents, data, required = [] }: Values): fc.Arbitrary<Node> =>
  fc.record({
    facts: fc.record({ a, n, v: fc.boolean(), os }, { requiredKeys: [...required] }),
    classes: fc.subarray(['apache', 'role::web', 'web', 'b-a']),
    agents: fc.subarray([...agents]),
    data: fc.constantFrom(...data),
  });

const PLAIN = {
  a: fc.constantFrom('uk', 'fr', 'ukx', 'a uk'),
  n: fc.constantFrom(0, 4, 9, 10, 42, 100),
  agents: ['rpcutil'],
  data: SCOUTS,
};
export const plainNodes = nodesOf(PLAIN);

/** With all facts, because go-choria fails where it is to compare one that is missing. */
export const completeNodes = nodesOf({ ...PLAIN, required: ['a', 'n', 'v', 'os'] });

/** With what the sides take differently: case, lists, hashes, several lines, fractions, and agents named as classes. */
export const typedNodes = nodesOf({
  a: fc.oneof(
    fc.constantFrom<unknown>('uk', 'fr', 'UK', 'Uk', '', ' uk', 'x\nuk', 'uk\n', 'fr\nx', 'a=b'),
    fc.constantFrom<unknown>(['uk'], ['fr', 'uk'], [], { uk: 1 }, { fr: 'uk' }),
  ),
  n: fc.constantFrom<unknown>(0, 3, 4, 5, 10, 42, 100, [4], ['10'], { 4: 1 }),
  os: ODD_FAMILY,
  agents: ['rpcutil', 'apache', 'Apache', 'web'],
  data: [{}, ...SCOUTS, ...ODD_SCOUTS],
});

/**
 * Besides, what a daemon makes texts of that Choria keeps apart: digits in texts, fractions, and truths anywhere; and
 * what Ruby fails to compare.
 */
export const oddNodes = nodesOf({
  a: fc.constantFrom<unknown>(
    'uk',
    'UK',
    4,
    4.5,
    true,
    false,
    'true',
    '4',
    ['uk'],
    'fr\nuk',
    [['uk']],
    [{ uk: 1 }],
  ),
  n: fc.constantFrom<unknown>(
    '4',
    '10',
    '042',
    '4.5',
    4,
    4.5,
    -4,
    10,
    true,
    false,
    'abc',
    ['4'],
    42.25,
    '4.0000',
    '08',
    '1-0',
    '4\nx',
    ['08'],
    [{ 4: 1 }],
  ),
  os: ODD_FAMILY,
  agents: ['rpcutil', 'apache', 'Apache', 'web'],
  data: [{}, ...SCOUTS, ...ODD_SCOUTS],
});

const either = (leaves: fc.Arbitrary<string>, and: string, or: string, not: string): fc.Arbitrary<string> =>
  fc.letrec<{ expression: string; leaf: string }>((tie) => ({
    leaf: leaves,
    expression: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      tie('leaf'),
      fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `${a} ${and} ${b}`),
      fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `${a} ${or} ${b}`),
      tie('expression').map((a) => `${not}( ${a} )`),
      tie('expression').map((a) => `( ${a} )`),
    ),
  })).expression;

/** What people write behind `-S`; MCollective's scanner takes a parenthesis right behind `/…/` for a part of it. */
export const legacyTexts = either(
  fc.constantFrom(
    'a=uk',
    'a=/^uk$/',
    'a=/u|f/',
    'a=/^[^u]/',
    'a>=fr',
    'a<uk',
    'n=4',
    'n=/^4/',
    'n>=4',
    'n<10',
    'n>42',
    'n<=42',
    'n>=100',
    'v=true',
    'v=false',
    'apache',
    'web',
    '/^role/',
    '/b-a|web$/',
    'none=1',
    "fact('os.family').value=/u/",
    "fact('a').value=/uk/",
    "scout('x').name=bob",
    "scout('x').name=/^b/",
    "scout('x').name!=/^b/",
    "scout('x').size>=10",
    "scout('x').size!=4",
  ),
  'and',
  'or',
  'not ',
);

/** What people write for go-choria. */
export const choriaTexts = either(
  fc.constantFrom(
    'with("a=uk")',
    'with("a != fr")',
    'with("a=~/^uk$/")',
    'with("a=/u/")',
    'with("a=~/^[^u]/")',
    'with("a=/[^A-Z]k$/")',
    'with("n>=4")',
    'with("n<10")',
    'with("n=4")',
    'fact("a") == "uk"',
    '(fact("a") != "uk")',
    '(fact("a") endsWith "k")',
    'fact("a") matches "^u"',
    '(fact("a") startsWith "u")',
    'fact("n") > 9',
    'fact("n") <= 42',
    'fact("n") == 4',
    'fact("v") == true',
    'fact("os.family") == "uk"',
    'fact("os.family") != "uk"',
    '(fact("a") == nil)',
    '(fact("a") in ["uk", "Fr"])',
    '(fact("a") not in ["uk", "a uk"])',
    '(fact("n") in [4, 10])',
    '(fact("n") != -1)',
    '("uk" == fact("a"))',
    '(4 <= fact("n"))',
    '(fact("os.family") != nil)',
    '"apache" in classes',
    '"web" not in classes',
    'any(classes, {# matches "^role::"})',
    'any(classes, {# endsWith "web"})',
    'scout("x").name == "bob"',
    'scout("x").size > 4',
    '(scout("x").name matches "^b")',
    '(scout("x").name not matches "^b")',
  ),
  '&&',
  'or',
  '!',
);

const EMPTY = { fact: [], cf_class: [], agent: [], identity: [] };

/** Whether a Go node is meant by a whole filter; undefined where it fails, and is not. */
export const goFits = (filter: Json, node: Node): boolean | undefined => {
  try {
    return fitsGo(filter, { identity: 'n1', ...node });
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
};

/** Whether a Go node is meant by an expression, as `goFits`. */
export const goHolds = (expr: string, node: Node): boolean | undefined => {
  // JavaScript has no flags for a part; anchors of lines are these.
  const known = expr.replaceAll('(?m:^)', '(?<![^\\\\n])').replaceAll('(?m:$)', '(?![^\\\\n])');
  return goFits({ ...EMPTY, compound: [[{ expr: known }]] }, node);
};
