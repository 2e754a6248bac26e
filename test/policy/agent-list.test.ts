import { expect, test } from 'vitest';
import { agentList } from '../../src/policy/agent-list.ts';
import { question } from './action-policy/vectors.ts';

const verdict = (entries: readonly string[], agent: string, action: string | undefined) =>
  agentList(entries, 'the token').decide(question('up=alice', agent, action));

test.each([
  [['*'], 'rpcutil', 'ping', 'allow'],
  [['rpcutil.*'], 'rpcutil', 'ping', 'allow'],
  [['rpcutil.ping'], 'rpcutil', 'ping', 'allow'],
  [['rpcutil.ping'], 'rpcutil', 'inventory', 'deny'],
  [['rpcutil.*'], 'shell', 'run', 'deny'],
  [['rpc.*', 'shell.run'], 'shell', 'run', 'allow'],
  [[], 'rpcutil', 'ping', 'deny'],
  [['*.ping'], 'rpcutil', 'ping', 'deny'],
] as const)('%j for %s.%s: %4$s', (entries, agent, action, expected) => {
  expect(verdict(entries, agent, action).verdict).toBe(expected);
});

test('an entry without exactly one dot is an error where it is reached, and none where another allows before', () => {
  expect(verdict(['rpcutil'], 'rpcutil', 'ping')).toEqual({
    verdict: 'deny',
    rule: 'the token: "rpcutil"',
    reason: '"rpcutil" is no entry of the form agent.action',
  });
  expect(verdict(['a.b.c', 'rpcutil.*'], 'rpcutil', 'ping').verdict).toBe('deny');
  expect(verdict(['rpcutil.*', 'a.b.c'], 'rpcutil', 'ping').verdict).toBe('allow');
});

test('discovery is allowed whatever is in the list', () => {
  expect(verdict([], 'discovery', undefined).verdict).toBe('allow');
});

test('the explanation names the entries that were passed over', () => {
  const { rule, passed } = agentList(['shell.*', 'rpcutil.ping'], 'the token').explain(
    question('up=alice', 'rpcutil', 'ping'),
  );
  expect(rule).toBe('the token: "rpcutil.ping"');
  expect(passed).toEqual([{ rule: 'the token: "shell.*"', why: 'it is not for rpcutil.ping' }]);
});
