import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { run } from '../support/process.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const RULES = path('../../docs/prometheus-alerts.yaml');
const TESTS = path('./alerts.yaml');

describe('the alert rules', () => {
  it('are valid to Prometheus', async () => {
    const { status, stdout, stderr } = await run('promtool', ['check', 'rules', RULES]);
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
  });

  it('fire when they should, and only then', async () => {
    const { status, stdout, stderr } = await run('promtool', ['test', 'rules', TESTS]);
    expect({ status, stderr }, `${stdout}${stderr}`).toEqual({ status: 0, stderr: '' });
  });

  it('are tested, each of them', () => {
    const tests = readFileSync(TESTS, 'utf8');
    const names = [...readFileSync(RULES, 'utf8').matchAll(/alert: Mcbridge(\w+)/g)].map(
      ([, name = '']) => name,
    );
    expect(names.length).toBeGreaterThan(10);
    // Some are named together, in one expression.
    expect(names.filter((name) => !new RegExp(`Mcbridge${name}\\b|[(|]${name}[|)]`).test(tests))).toEqual([]);
  });
});
