import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatProblem } from '../../src/config/problem.ts';
import { load, MINIMAL, problemsOf, refusalOf } from '../config/sample.ts';
import { questionOf } from '../policy/rules/rules.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-policies-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, 'bridge.yaml');
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const withPolicy = (policies: string): string => `${MINIMAL}    policy: ops\npolicies:\n${policies}`;
const loaded = (policies: string) => load(withPolicy(policies), { TEAM: 'dba' }, file());
const problems = (policies: string): readonly string[] =>
  refusalOf(() => loaded(policies)).map((it) => it.replaceAll(`${folder}/`, ''));

describe('policies of a configuration', () => {
  it('have the rules written there first, then those of their files in order', () => {
    write('one.yaml', 'rules:\n  - { agents: [puppet], callers: ["$' + '{TEAM}"], verdict: allow }\n');
    write('two.yaml', 'groups: { dba: [choria=rip] }\nrules:\n  - { agents: [puppet], verdict: defer }\n');
    const { policies, config } = loaded(
      '  ops:\n    rules: [{ name: own, agents: [rpcutil], verdict: allow }]\n    files: [one.yaml, two.yaml]\n',
    );
    const decide = (agent: string, caller: string) =>
      policies.get('ops')?.evaluator.decide(questionOf({ agent, caller }));
    expect(config.routes[0]?.policy).toBe('ops');
    expect(decide('rpcutil', 'choria=rip')).toEqual({ verdict: 'allow', rule: 'own' });
    expect(decide('puppet', 'choria=rip')?.rule).toBe(join(folder, 'one.yaml:2'));
    expect(decide('puppet', 'choria=eve')).toEqual({ verdict: 'defer', rule: join(folder, 'two.yaml:3') });
    expect(decide('service', 'choria=rip')).toEqual({ verdict: 'deny' });
  });

  it('are known to be others where a file of rules has changed', () => {
    const text = '  ops:\n    files: [one.yaml]\n';
    write('one.yaml', 'rules: [{ verdict: allow }]');
    const [before, same] = [loaded(text), loaded(text)];
    write('one.yaml', 'rules: [{ verdict: deny }]');
    const after = loaded(text);
    const of = ({ written }: typeof before) => written.get('policies.ops.files[0]');
    expect(of(before)).toBe(of(same));
    expect(of(before)).not.toBe(of(after));
  });

  it.each([
    [
      'a route that names another',
      '  opps:\n    rules: [{ verdict: allow }]\n',
      ['bridge.yaml:20:13: routes[0].policy: there is no policy "ops"; did you mean "opps"?; allowed: opps'],
    ],
    [
      'nothing to decide by',
      '  ops: {}\n',
      ['bridge.yaml:22:8: policies.ops: has no rules: give rules, files or action_policy'],
    ],
    [
      'a file that is not there',
      '  ops:\n    files: [none.yaml]\n',
      ['bridge.yaml:23:13: policies.ops.files[0]: none.yaml cannot be read: there is no such file'],
    ],
    [
      'an ingress that is not there',
      '  ops:\n    rules: [{ ingress: [federatoin], verdict: allow }]\n',
      [
        'bridge.yaml:23:25: policies.ops.rules[0].ingress[0]: there is no ingress "federatoin"; did you mean "federation"?',
      ],
    ],
    [
      'a group that is not there',
      '  ops:\n    groups: { dba: [choria=rip] }\n    rules: [{ callers: [dbas], verdict: allow }]\n',
      ['bridge.yaml:24:25: policies.ops.rules[0].callers[0]: there is no group "dbas"; did you mean "dba"?'],
    ],
  ])('are refused for %s, with the place', (_, policies, wanted) => {
    expect(problems(policies)).toEqual(wanted);
  });

  it('are refused for what is wrong in their files, with the file, line and column', () => {
    write('one.yaml', 'rules:\n  - callers: [/choria=(/]\n    verdict: alow\n');
    expect(problems('  ops:\n    files: [one.yaml]\n')).toEqual([
      expect.stringMatching(
        /^one\.yaml:2:15: rules\[0\]\.callers\[0\]: "\/choria=\(\/" is not allowed: a group is not closed/,
      ),
      'one.yaml:3:14: rules[0].verdict: "alow" is not allowed; allowed: "allow", "deny", "defer"',
    ]);
  });

  it('warn of what has no effect', () => {
    const { warnings } = loaded(
      '  ops:\n    rules: [{ collectives: [uk], verdict: allow }]\n  spare:\n    rules: [{ verdict: allow }, { agents: [a], verdict: deny }]\n',
    );
    expect(warnings.map((it) => formatProblem(it).replaceAll(`${folder}/`, ''))).toEqual([
      'bridge.yaml:23:29: policies.ops.rules[0].collectives[0]: no route with this policy exports "uk", so nothing is asked there',
      'bridge.yaml:25:5: policies.spare: no route names this policy',
      expect.stringMatching(/^bridge\.yaml:25:33: policies\.spare\.rules\[1\]: nothing reaches this rule/),
    ]);
  });

  it("can be the files of nodes' own ActionPolicy, read anew as they change", () => {
    write('puppet.policy', 'policy default deny\nallow\tcert=alice\tstatus\t*\t*\n');
    const text = '  ops:\n    action_policy: { folder: ., dialect: go-choria, default_name: base }\n';
    const { policies, written } = loaded(text);
    const decide = (action: string) =>
      policies.get('ops')?.evaluator.decide(questionOf({ agent: 'puppet', action }));
    expect(decide('status')).toMatchObject({ verdict: 'allow', rule: join(folder, 'puppet.policy:2') });
    expect(decide('runonce')?.verdict).toBe('deny');
    const key = 'policies.ops.action_policy.folder';
    write('puppet.policy', 'policy default deny\n');
    expect(loaded(text).written.get(key)).not.toBe(written.get(key));
  });

  it('are refused for lines of ActionPolicy that the originals ignore, or warn of them', () => {
    write('puppet.policy', 'policy default deny\nallow\tcert=alice admins\tstatus\t*\t*\n');
    const text = (strict: boolean) =>
      `  ops:\n    action_policy: { folder: ., dialect: go-choria, strict: ${strict} }\n`;
    expect(problems(text(true))).toEqual([expect.stringMatching(/^puppet\.policy:2:18: /)]);
    expect(loaded(text(false)).warnings.map(formatProblem)).toEqual([
      expect.stringMatching(/puppet\.policy:2:18: /),
    ]);
  });

  it('are refused where their folder is not there, and beside rules', () => {
    expect(problems('  ops:\n    action_policy: { folder: none, dialect: go-choria }\n')).toEqual([
      'bridge.yaml:23:30: policies.ops.action_policy.folder: none cannot be read: there is no such file',
    ]);
    expect(
      problems(
        '  ops:\n    action_policy: { folder: ., dialect: go-choria }\n    rules: [{ verdict: allow }]\n',
      ),
    ).toEqual([
      'bridge.yaml:23:20: policies.ops.action_policy: contradicts rules and files: leave it out, or them',
    ]);
  });

  it('cannot be asked where requests pass unread', () => {
    const through = (verify: string) =>
      `cluster_key: 0123456789abcdef0123456789abcdef
ingresses:
  federation:
    type: choria-federation
    servers: [nats://nats1.example.net:4222]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
egresses:
  other:
    type: choria-collective
    servers: [nats://nats2.example.net:4222]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    signing: { cert: cert.pem, key: key.pem }
routes:
  - { from: federation, to: other, collectives: [uk], policy: ops${verify} }
policies:
  ops: { rules: [{ verdict: allow }] }
`;
    expect(problemsOf(through(', verify: true'))).toEqual([]);
    for (const verify of ['', ', verify: false'])
      expect(problemsOf(through(verify))).toEqual([
        'bridge.yaml:14:63: routes[0].policy: cannot be asked: requests pass here as they are, and nobody reads them; allowed: with verify: true in this route',
      ]);
  });
});
