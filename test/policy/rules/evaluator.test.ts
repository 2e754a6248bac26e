import { describe, expect, it } from 'vitest';
import { RulesEvaluator } from '../../../src/policy/rules/evaluator.ts';
import { discovery, evaluatorOf, questionOf, ruleSet } from './rules.ts';

const RULES = `groups:
  dba: [choria=rip.mcollective, /choria=dba-.*/, oncall]
  oncall: [choria=eve.mcollective]
rules:
  - name: no-stop
    agents: [service.stop]
    verdict: deny
    reason: nobody stops services from here
  - callers: [dba]
    agents: [service, puppet.status]
    verdict: allow
    max_nodes: 50
  - name: look
    as: [/cert=.*/]
    agents: [rpcutil]
    verdict: defer
`;

const by = (caller: string, agent: string, action: string) => questionOf({ caller, agent, action });

describe('rules', () => {
  const evaluator = evaluatorOf(RULES);

  it.each([
    ['choria=rip.mcollective', 'service', 'restart', 'allow', 'dba.yaml:9'],
    ['choria=dba-7', 'puppet', 'status', 'allow', 'dba.yaml:9'],
    ['choria=eve.mcollective', 'service', 'status', 'allow', 'dba.yaml:9'],
    ['choria=rip.mcollective', 'puppet', 'run', 'deny', undefined],
    ['choria=dba-7x', 'service', 'run', 'allow', 'dba.yaml:9'],
    ['xchoria=dba-7', 'service', 'run', 'deny', undefined],
    ['choria=rip.mcollective', 'service', 'stop', 'deny', 'no-stop'],
    ['choria=mallory', 'rpcutil', 'ping', 'defer', 'look'],
    ['choria=mallory', 'service', 'restart', 'deny', undefined],
  ])('of %s and %s.%s say %s', (caller, agent, action, verdict, rule) => {
    const outcome = evaluator.decide(by(caller, agent, action));
    expect(outcome.verdict).toBe(verdict);
    expect(outcome.rule).toBe(rule);
  });

  it('give the reason of the rule that refuses, and the limit of the one that allows', () => {
    expect(evaluator.decide(by('choria=rip.mcollective', 'service', 'stop'))).toEqual({
      verdict: 'deny',
      rule: 'no-stop',
      reason: 'nobody stops services from here',
    });
    expect(evaluator.decide(by('choria=rip.mcollective', 'service', 'start')).maxNodes).toEqual({
      most: 50,
      isShadow: false,
    });
  });

  it('say the same of the same request again, and mix up no names', () => {
    const asked = [
      by('choria=rip.mcollective', 'service', 'restart'),
      by('choria=rip.mcollective', 'service', 'stop'),
      questionOf({ caller: 'choria=rip', as: '.mcollectivecert=alice' }),
      questionOf({ caller: 'choria=mallory', agent: 'rpcutil', action: '' }),
      questionOf({ caller: 'choria=mallory', agent: 'rpcuti', action: 'l.' }),
    ];
    const first = asked.map((it) => evaluatorOf(RULES).decide(it));
    const twice = [...asked, ...asked].map((it) => evaluator.decide(it));
    expect(twice).toEqual([...first, ...first]);
    expect(first.map(({ verdict }) => verdict)).toEqual(['allow', 'deny', 'deny', 'defer', 'deny']);
  });

  it('allow discovery unless a rule of discovery says otherwise, whatever the other rules say', () => {
    const all = evaluatorOf('rules:\n  - verdict: deny\n');
    expect(all.decide(discovery())).toEqual({ verdict: 'allow' });
    const guests = evaluatorOf(
      'rules:\n  - discovery: true\n    callers: [choria=guest]\n    verdict: deny\n  - verdict: allow\n',
    );
    expect(guests.decide(discovery({ caller: 'choria=guest' }))).toEqual({
      verdict: 'deny',
      rule: 'dba.yaml:2',
    });
    expect(guests.decide(discovery())).toEqual({ verdict: 'allow' });
    expect(guests.decide(questionOf({ caller: 'choria=guest' })).verdict).toBe('allow');
  });

  it('in shadow mode decide nothing, and the first that would deny is told', () => {
    const shadow = evaluatorOf(`rules:
  - name: one
    shadow: true
    agents: [service]
    verdict: deny
    reason: soon
  - { name: two, shadow: true, verdict: deny }
  - { name: all, verdict: allow }
`);
    expect(shadow.decide(questionOf())).toEqual({
      verdict: 'allow',
      rule: 'all',
      shadow: { rule: 'one', reason: 'soon' },
    });
    expect(shadow.decide(questionOf({ agent: 'puppet' })).shadow).toEqual({ rule: 'two' });
  });

  it('come in the order of their files, with groups of all of them', () => {
    const { rules, problems } = ruleSet({
      'a.yaml': 'rules: [{ callers: [dba], verdict: allow }]',
      'b.yaml': 'groups: { dba: [choria=rip] }\nrules: [{ verdict: deny }]',
    });
    expect(problems).toEqual([]);
    const evaluator = new RulesEvaluator(rules);
    expect(evaluator.decide(questionOf({ caller: 'choria=rip' })).rule).toBe('a.yaml:1');
    expect(evaluator.decide(questionOf()).rule).toBe('b.yaml:2');
  });

  it('explain which of them were passed over, and why', () => {
    expect(evaluator.explain(by('choria=mallory', 'rpcutil', 'ping'))).toEqual({
      verdict: 'defer',
      rule: 'look',
      passed: [
        { rule: 'dba.yaml:5 (no-stop)', why: 'agents: "rpcutil.ping" is none of them' },
        { rule: 'dba.yaml:9', why: 'callers: choria=mallory is none of them' },
      ],
    });
    expect(evaluator.explain(by('choria=mallory', 'a', 'b')).passed).toHaveLength(3);
  });
});
