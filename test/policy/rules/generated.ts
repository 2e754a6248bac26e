import { EMPTY_FILTER, type FactFilter } from '../../../src/envelope/filter.ts';
import type { Value } from '../../../src/envelope/value.ts';
import type { Question } from '../../../src/policy/evaluator.ts';
import { pick, type Random } from '../../support/random.ts';
import { questionOf } from './rules.ts';

/** A rule as somebody would write it, in the fewest words. */
export interface PlainRule {
  readonly discovery?: boolean;
  readonly callers?: readonly string[];
  readonly as?: readonly string[];
  readonly agents?: readonly string[];
  readonly collectives?: readonly string[];
  readonly ingress?: readonly string[];
  readonly egress?: readonly string[];
  readonly nodes?: readonly string[];
  readonly inputs?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly requires?: Readonly<Record<string, unknown>>;
  readonly windows?: readonly {
    readonly days?: readonly string[];
    readonly from: string;
    readonly to: string;
    readonly zone: string;
  }[];
  readonly max_nodes?: number;
  readonly verdict: 'allow' | 'deny' | 'defer';
  readonly shadow?: boolean;
}

export interface PlainFile {
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly rules: readonly PlainRule[];
}

const some = <T>(random: Random, from: readonly T[]): readonly T[] => [
  ...new Set(Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(from, random))),
];

const maybe = <K extends string, V>(
  random: Random,
  chance: number,
  key: K,
  value: () => V,
): { [P in K]?: V } => {
  const none: { [P in K]?: V } = {};
  return random() < chance ? { ...none, [key]: value() } : none;
};

const NAMES = ['choria=alice', 'choria=bob', 'choria=dba-1', 'choria=dba-22', 'cert=alice', 'cert=root'];
const PATTERNS = [
  '/choria=.*/',
  '/.*=alice/',
  '/choria=dba-\\d/',
  '/(cert|choria)=(bob|root)/',
  '/choria=al/',
];
const GROUPS = ['g0', 'g1', 'g2'];
const AGENTS = ['puppet', 'service', 'rpcutil'];
const ACTIONS = ['run', 'status', 'restart'];
const COLLECTIVES = ['mcollective', 'uk', 'de'];
const WAYS = ['a', 'b'];
const NODES = ['db1.example', 'db22.example', 'web1.example'];
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe'];
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const VALUES: readonly (string | number | boolean)[] = ['mysqld', 'my', '5', 5, 7, -1, true, false];
const FACTS = ['country=uk', 'country=de', 'cpus>=4', 'os=~linux'];

const time = (random: Random): string =>
  `${String(Math.floor(random() * 24)).padStart(2, '0')}:${pick(['00', '30', '59'], random)}`;

const windowOf = (random: Random) => {
  const from = time(random);
  const to = [time(random), time(random), '24:00'].find((it) => it !== from) ?? '24:00';
  return { ...maybe(random, 0.5, 'days', () => some(random, DAYS)), from, to, zone: pick(ZONES, random) };
};

const inputOf = (random: Random): Readonly<Record<string, unknown>> =>
  pick<() => Readonly<Record<string, unknown>>>(
    [
      () => ({ equals: pick(VALUES, random) }),
      () => ({ one_of: some(random, VALUES) }),
      () => ({ matches: pick(['my.*', 'my', '\\d+', '(a|mysqld?)'], random) }),
      () => ({ range: { from: -1, to: pick([3, 5, 6], random) } }),
      () => ({ range: { from: 6 } }),
      () => ({ present: random() < 0.5 }),
    ],
    random,
  )();

const requiresOf = (random: Random): Readonly<Record<string, unknown>> => ({
  ...maybe(random, 0.5, 'facts', () => some(random, FACTS)),
  ...maybe(random, 0.3, 'classes', () => some(random, ['db', 'web'])),
  ...maybe(random, 0.3, 'identities', () => some(random, NODES)),
  ...maybe(random, 0.3, 'any_filter', () => true),
});

const ruleOf = (random: Random): PlainRule => {
  const callers = [...NAMES, ...PATTERNS, ...GROUPS];
  const isDiscovery = random() < 0.15;
  const verdict = pick(['allow', 'allow', 'deny', 'defer'] as const, random);
  return {
    ...maybe(random, 0.6, 'callers', () => (random() < 0.1 ? ['*'] : some(random, callers))),
    ...maybe(random, 0.2, 'as', () => some(random, callers)),
    ...maybe(random, 0.25, 'collectives', () => some(random, COLLECTIVES)),
    ...maybe(random, 0.2, 'ingress', () => some(random, WAYS)),
    ...maybe(random, 0.2, 'egress', () => some(random, WAYS)),
    ...maybe(random, 0.15, 'nodes', () => some(random, [...NODES, '/db\\d+\\.example/'])),
    ...maybe(random, 0.25, 'requires', () => requiresOf(random)),
    ...maybe(random, 0.3, 'windows', () =>
      Array.from({ length: 1 + Math.floor(random() * 2) }, () => windowOf(random)),
    ),
    ...(isDiscovery
      ? { discovery: true }
      : {
          ...maybe(random, 0.6, 'agents', () =>
            some(random, [...AGENTS, 'puppet.run', 'service.restart', 'rpcutil.*']),
          ),
          ...maybe(random, 0.3, 'inputs', () => ({ name: inputOf(random) })),
          ...(verdict === 'deny' ? {} : maybe(random, 0.2, 'max_nodes', () => 1 + Math.floor(random() * 9))),
        }),
    ...(verdict === 'deny' ? maybe(random, 0.3, 'shadow', () => true) : {}),
    verdict,
  };
};

/** Rules, and groups of which each is in those after it only. */
export const fileOf = (random: Random): PlainFile => ({
  groups: {
    g0: some(random, [...NAMES, ...PATTERNS]),
    g1: some(random, [...NAMES, 'g0']),
    g2: some(random, [...PATTERNS, 'g0', 'g1']),
  },
  rules: Array.from({ length: 1 + Math.floor(random() * 12) }, () => ruleOf(random)),
});

const FACT_FILTERS: readonly FactFilter[] = [
  { fact: 'country', operator: '==', value: 'uk' },
  { fact: 'country', operator: '=~', value: 'uk' },
  { fact: 'country', operator: '==', value: 'de' },
  { fact: 'cpus', operator: '>=', value: '4' },
  { fact: 'os', operator: '=~', value: 'linux' },
];

const upTo = <T>(random: Random, from: readonly T[]): readonly T[] =>
  random() < 0.5 ? [] : some(random, from);

/** Within two years, among them the days on which clocks change. */
const YEARS_MS = 2 * 365 * 24 * 3600 * 1000;

export const questionFrom = (random: Random): Question => {
  const value: Value = pick(VALUES, random);
  const isDiscovery = random() < 0.1;
  return questionOf({
    caller: pick(NAMES, random),
    as: pick(NAMES, random),
    agent: isDiscovery ? 'discovery' : pick(AGENTS, random),
    action: isDiscovery ? undefined : pick(ACTIONS, random),
    data: new Map(random() < 0.3 ? [] : [['name', value]]),
    collective: pick(COLLECTIVES, random),
    ingress: pick(WAYS, random),
    egress: pick(WAYS, random),
    filter: {
      ...EMPTY_FILTER,
      fact: upTo(random, FACT_FILTERS),
      cfClass: upTo(random, ['db', 'web', '/db/']),
      identity: upTo(random, NODES),
    },
    nodes: random() < 0.5 ? undefined : some(random, NODES),
    time: Date.UTC(2026, 0, 1) + Math.floor(random() * YEARS_MS),
  });
};
