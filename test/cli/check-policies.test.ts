import { expect, test } from 'vitest';
import { checkPolicies } from '../../src/cli/check/policies.ts';
import { Checklist } from '../../src/config/checklist.ts';
import { load, MINIMAL } from '../config/sample.ts';

test('mcbridge check says what a policy is made of, and warns of what it leaves to nodes and of shadow mode', () => {
  const loaded = load(`${MINIMAL}    policy: ops
policies:
  ops:
    rules: [{ agents: [rpcutil], verdict: allow }, { name: rest, verdict: defer }]
  later:
    shadow: true
    rules: [{ verdict: deny }]
`);
  const list = new Checklist(loaded);
  checkPolicies(list, loaded);
  expect(list.findings.map(({ status, path, message, line }) => [status, path, message, line])).toEqual([
    ['ok', 'policies.ops', '2 rules, and all names in it are known', 23],
    [
      'warning',
      'policies.ops',
      '/etc/mcbridge/bridge.yaml:23:52 (rest): nodes decide, and where a node has no policy of its own everything passes',
      23,
    ],
    ['ok', 'policies.later', '1 rule, and all names in it are known', 25],
    ['warning', 'policies.later', 'is in shadow mode, and refuses nothing', 25],
  ]);
});
