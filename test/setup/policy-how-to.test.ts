import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { load, MINIMAL } from '../config/sample.ts';
import { questionOf } from '../policy/rules/rules.ts';

test('the how-to of policies does what it says', () => {
  const text = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8');
  const yaml = /```yaml\n(.+?)```/s.exec(text)?.[1] ?? '';
  const loaded = load(MINIMAL.replace(/routes:[\s\S]*/, () => yaml));
  expect(loaded.warnings).toEqual([]);
  const ops = loaded.policies.get('ops')?.evaluator;
  const ask = (time: string, nodes: string[]) =>
    ops?.decide(
      questionOf({
        caller: 'choria=rip.mcollective',
        nodes,
        data: new Map([['service', 'mysqld']]),
        time: Date.parse(time),
      }),
    );
  expect(ask('2026-11-28T23:00:00Z', ['db1.example.net'])).toMatchObject({
    verdict: 'allow',
    rule: 'dba-restarts',
    maxNodes: { most: 50 },
  });
  expect(ask('2026-11-28T23:00:00Z', ['web1.example.net'])).toMatchObject({
    verdict: 'deny',
    rule: 'dba-otherwise',
  });
  expect(ask('2026-11-28T12:00:00Z', ['db1.example.net'])).toMatchObject({
    verdict: 'deny',
    rule: 'dba-otherwise',
  });
});
