import type { Passing, Policy } from '../src/envelope/decision.ts';
import { EMPTY_FILTER } from '../src/envelope/filter.ts';
import type { ReadableRequest } from '../src/envelope/message.ts';
import { Decider } from '../src/policy/decider.ts';
import { PolicyMemory } from '../src/policy/memory.ts';
import { RulesEvaluator } from '../src/policy/rules/evaluator.ts';
import { ruleSetOf } from '../src/policy/rules/rule-set.ts';
import { readRulesFile } from '../src/policy/rules/source.ts';
import { makeRequests, REQUESTS, startBridge, translating } from './legacy-requests.ts';
import { onOneCore } from './one-core.ts';
import { type BenchResult, interleave, median } from './table.ts';

const RULES = 1_000;
/** Each fifth rule knows its callers by a pattern. */
const PATTERN_EVERY = 5;
const CALLERS = 200;
const AGENTS = 20;
const DECISIONS = 20_000;
const ROUNDS = 7;
const WARM_UP = 6;

/** The last rule is the one of alice; those before it are for teams with an agent, a node or an input of their own. */
const rulesText = (): string => {
  const rules = Array.from({ length: RULES - 1 }, (_, n) => {
    const team = n % CALLERS;
    const caller = n % PATTERN_EVERY === 0 ? `/cert=team${team}(-[a-z]+)?/` : `cert=team${team}`;
    const more = [
      'inputs: { service: { one_of: [mysqld, postgresql] } }',
      "nodes: ['/db\\\\d+\\\\.example\\\\.net/']",
      'windows: [{ from: 22:00, to: 04:00, zone: Europe/London }]',
      'requires: { facts: [country=uk] }',
      'collectives: [mcollective]',
    ][n % 5];
    return `  - { callers: ['${caller}'], agents: [agent${n % AGENTS}.restart], ${more}, verdict: ${n % 3 === 0 ? 'deny' : 'allow'} }`;
  });
  return `rules:\n${rules.join('\n')}\n  - { callers: [cert=alice], agents: [rpcutil], verdict: allow }\n`;
};

const makePolicy = (): Policy => {
  const { source, problems } = readRulesFile(rulesText(), 'bench.yaml', {});
  if (source === undefined) throw new Error(problems.map(({ message }) => message).join('; '));
  const set = ruleSetOf([source]);
  if (set.problems.length > 0) throw new Error(set.problems.map(({ message }) => message).join('; '));
  const evaluator = new RulesEvaluator(set.rules);
  const policy = {
    name: 'bench',
    evaluator,
    isShadow: false,
    rules: RULES,
    countsNodes: false,
    defers: [],
    summary: 'bench',
    limits: [],
  };
  return new Decider({ policy, memory: new PolicyMemory(), known: () => 1_000, clock: Date.now });
};

/** A request of each team to each agent. */
const makePassings = (): readonly Passing[] =>
  Array.from({ length: CALLERS * AGENTS }, (_, n) => {
    const id = n.toString(16).padStart(32, '0');
    const [agent, caller] = [`agent${n % AGENTS}`, `cert=team${n % CALLERS}`];
    const request: ReadableRequest = {
      id,
      collective: 'mcollective',
      agent,
      caller,
      sender: 'client.example.net',
      time: Date.now(),
      ttl: 60_000,
      filter: { ...EMPTY_FILTER, fact: [{ fact: 'country', operator: '==', value: 'uk' }] },
      targets: [{ kind: 'node', collective: 'mcollective', node: `db${n}.example.net` }],
      payload: { kind: 'rpc', action: 'restart', data: new Map([['service', 'mysqld']]) },
      home: {
        ...{ ingress: 'legacy', replyTo: '/queue/x', requestId: id, expires: Date.now() + 60_000 },
        ...{ agent, collective: 'mcollective', dialect: 'mcollective' },
      },
    };
    const outgoing = { ...request, caller: `choria=team${n % CALLERS}.mcollective` };
    return { request, outgoing, routeId: { from: 'legacy', to: 'choria', name: 'legacy → choria' } };
  });

interface Decisions {
  /** In µs, as the clock has it. */
  readonly p50: number;
  readonly p99: number;
  /** In µs of processor time; the clock is not read for each. */
  readonly mean: number;
}

const decideAll = (policy: Policy): Decisions => {
  const passings = makePassings();
  const decide = (n: number): void => {
    const passing = passings[(n * 7) % passings.length];
    if (passing !== undefined) void policy.decide(passing);
  };
  for (let n = 0; n < passings.length; n++) decide(n);
  const before = process.cpuUsage();
  for (let n = 0; n < DECISIONS; n++) decide(n);
  const { user, system } = process.cpuUsage(before);
  const times = Array.from({ length: DECISIONS }, (_, n) => {
    const started = performance.now();
    decide(n);
    return (performance.now() - started) * 1_000;
  }).toSorted((a, b) => a - b);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), mean: (user + system) / DECISIONS };
};

/** (j) What a policy of 1,000 rules costs: one decision, and translated requests with and without it. */
export const benchPolicy = async (): Promise<BenchResult> => {
  const material = makeRequests((WARM_UP + ROUNDS) * REQUESTS);
  const policy = makePolicy();
  const [without, under] = [await startBridge(material), await startBridge(material, policy)];
  const [free, judged] = [translating(material.frames, without), translating(material.frames, under)];
  const { rates, rounds } = await onOneCore(async () => {
    for (let round = 0; round < WARM_UP; round++) {
      await free();
      await judged();
    }
    const rounds = Array.from({ length: ROUNDS }, () => decideAll(policy));
    return { rates: await interleave(ROUNDS, { free, judged }), rounds };
  });
  await without.bridge.stop();
  await under.bridge.stop();
  const [yardstick = 0, through = 0] = [rates['free'], rates['judged']];
  const of = (part: keyof Decisions): number => median(rounds.map((it) => it[part]));
  const shown = (part: keyof Decisions): string => of(part).toFixed(1);
  return {
    name: `(j) Policy of ${RULES} rules, ${RULES / PATTERN_EVERY} of them with patterns, on one core, by CPU time, a second`,
    goal: 'p99 below 20 µs a decision for callers seen before; below 1 % of a translated request',
    rows: [
      {
        label: `decisions: p50 ${shown('p50')} µs, p99 ${shown('p99')} µs, mean ${shown('mean')} µs`,
        perSecond: 1_000_000 / of('mean'),
      },
      { label: 'requests legacy → Choria without a policy', perSecond: yardstick },
      { label: 'requests legacy → Choria under it', perSecond: through, ratio: through / yardstick },
      {
        label: 'of a request’s processor time, one decision takes',
        perSecond: 0,
        ratio: (of('mean') * yardstick) / 1_000_000,
      },
    ],
  };
};
