import { expect, test } from 'vitest';
import { isCallerId } from '../../../src/envelope/check.ts';
import { differences } from '../../../src/policy/action-policy/import/differences.ts';
import { importedRules } from '../../../src/policy/action-policy/import/write.ts';
import { readActionPolicy } from '../../../src/policy/action-policy/read.ts';
import type { Evaluator } from '../../../src/policy/evaluator.ts';
import { RulesEvaluator } from '../../../src/policy/rules/evaluator.ts';
import { ruleSetOf } from '../../../src/policy/rules/rule-set.ts';
import { readRulesFile } from '../../../src/policy/rules/source.ts';
import { filesOf, question, settingsOf, vectors } from './vectors.ts';

/** Each sixteenth of the vectors, in the long run each second. */
const STEP = process.env['PROPERTY_RUNS'] === 'all' ? 2 : 16;

const ruled = (text: string): Evaluator => {
  const { source, problems } = readRulesFile(text, 'rules.yaml', {});
  if (source === undefined)
    throw new Error(`${problems.map(({ message, line }) => `${line}: ${message}`)}\n${text}`);
  const set = ruleSetOf([source]);
  expect(set.problems, text).toEqual([]);
  return new RulesEvaluator(set.rules);
};

test.for(['choria', 'go'] as const)(
  'rules made of the files of %s allow nothing that those deny, and deny nothing that those allow',
  (who) => {
    const wrong: string[] = [];
    const count = { same: 0, left: 0 };
    for (const vector of vectors().filter(
      (it, index) => index % STEP === 0 && isCallerId(it.request.caller),
    )) {
      const settings = settingsOf(vector, who);
      const files = filesOf(vector.files);
      const { caller, agent, action } = vector.request;
      const asked = question(caller, agent, action);
      const original = readActionPolicy(settings, files).evaluator.decide(asked);
      const imported = ruled(importedRules(settings, files)).decide(asked);
      if (original.verdict === imported.verdict) count.same++;
      else if (imported.verdict === 'defer') count.left++;
      else
        wrong.push(
          `${vector.id}: ${imported.verdict} by ${imported.rule}, not ${original.verdict} by ${original.rule}`,
        );
    }
    expect(wrong).toEqual([]);
    // What could be said in rules is.
    expect(count.left).toBeLessThan(count.same / 8);
  },
);

test('a folder becomes rules, with its lines as comments', () => {
  const files = filesOf({
    groups: 'ops.de cert=alice cert=bob\n',
    'puppet.policy': [
      'policy default deny',
      'allow\tops.de /^cert=c/\tstatus enable\t*\t*',
      'deny *  *  *',
      'allow\t*\tstatus\tcountry=de\t*',
      'deny\t/[/\t*\t*\t*',
    ].join('\n'),
  });
  expect(importedRules({ folder: 'policies', dialect: 'choria' }, files).split('\n')).toEqual([
    '# Made of policies by mcbridge policy import, as choria reads it.',
    'groups:',
    '  "ops_de": ["cert=alice","cert=bob"]',
    '',
    'rules:',
    '  # puppet.policy:2: allow\tops.de /^cert=c/\tstatus enable\t*\t*',
    '  - { name: "puppet.policy.2", as: ["/.*(?:^cert=c).*/","ops_de"], agents: ["puppet.status","puppet.enable"], verdict: "allow" }',
    '  # puppet.policy:3: deny *  *  *',
    '  # the line is passed over',
    '  # puppet.policy:4: allow\t*\tstatus\tcountry=de\t*',
    '  # it depends on facts or classes of the node, which decides',
    '  - { name: "puppet.policy.4", agents: ["puppet.status"], verdict: "defer" }',
    '  # puppet.policy:5: deny\t/[/\t*\t*\t*',
    '  # none of its callers can be one of a bridge',
    '  - { name: "puppet.policy.5.error", agents: ["puppet"], verdict: "deny", reason: "the policy has an error in a line that this request reaches" }',
    '  - { name: "puppet.policy.default", agents: ["puppet"], verdict: "deny" }',
    '  # agents that have no file',
    '  - { name: "no-file", verdict: "deny", reason: "no policy is there for this agent" }',
    '',
  ]);
});

const differenceIn = (line: string, groups = ''): readonly [string, string, string, string] | undefined => {
  const [found] = differences(filesOf({ 'puppet.policy': `${line}\n`, groups }));
  if (found === undefined) return undefined;
  const { choria, puppet, 'go-choria': go } = found.dialects;
  expect(found).toMatchObject({ file: 'puppet.policy', line: 1 });
  return [found.example, choria?.says ?? '', puppet?.says ?? '', go?.says ?? ''];
};

test.each([
  [
    'allow\tcert=alice-admin\t*\t*\t*',
    'cert=alice-admi asks for status',
    'does not match',
    'matches',
    'does not match',
  ],
  ['allow\t/^cert=ali/\t*\t*\t*', 'cert=alice asks for status', 'matches', 'does not match', 'matches'],
  ['allow\t/[/\t*\t*\t*', 'cert=alice asks for status', 'error', 'does not match', 'does not match'],
  ['allow\t*\t*\t*', 'cert=alice asks for status', 'does not match', 'does not match', 'error'],
  [
    'deny\t*\t*\ta=b and c=d\t*',
    'cert=alice asks for status',
    'depends on the node',
    'depends on the node',
    'does not match',
  ],
  [
    'allow\t*\t*\t*\t*\r',
    'cert=alice asks for status',
    'depends on the node',
    'depends on the node',
    'matches',
  ],
  ['allow\t*\t*\tcores<=9\t*', 'a node whose fact cores is 9', 'does not match', 'does not match', 'matches'],
  [
    'allow\t*\t*\tcores>9\t*',
    'a node whose fact cores is 190',
    'does not match',
    'does not match',
    'matches',
  ],
  ['allow\t*\t*\t*\tNtp', 'a node with the class Ntp', 'matches', 'matches', 'does not match'],
] as const)('%j is read in different ways', (line, ...expected) => {
  expect(differenceIn(line)).toEqual(expected);
});

test.each(['allow\t*\t*\t*\t*', 'policy default deny', 'allow\t*\tstatus\tcores=9\tapache', '# none'])(
  '%j is read in one way',
  (line) => {
    expect(differenceIn(line)).toBeUndefined();
  },
);
