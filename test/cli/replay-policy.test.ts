import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PolicyReport } from '../../src/cli/replay/policy-report.ts';
import { program } from '../support/program.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures/cassettes/', import.meta.url));
const CASSETTE = `${FIXTURES}choria-to-legacy/marshal.requests.cassette.ndjson`;
const ODD = `${FIXTURES}choria-to-legacy/identities.cassette.ndjson`;
const CONFIG = ['--config', `${FIXTURES}choria-to-legacy.yaml`, '--throw-away-keys'];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-report-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const rulesOf = (...rules: readonly string[]): string => {
  const file = join(folder, 'new-rules.yaml');
  writeFileSync(file, ['rules:', ...rules.map((it) => `  - ${it}`), ''].join('\n'));
  return file;
};

const replay = (...args: readonly string[]) => program('replay', ...args, ...CONFIG);

const reported = async (policy: string, ...cassettes: readonly string[]) => {
  const { stdout, stderr, status } = await replay(...cassettes, '--policy', policy, '--report', '--json');
  expect(stdout, stderr).not.toBe('');
  const report: PolicyReport = JSON.parse(stdout);
  return { ...report, status, sum: report.refused.reduce((sum, it) => sum + it.requests, 0) };
};

test('a policy that allows all would have refused nothing', async () => {
  const { requests, refused, status } = await reported(rulesOf('{ verdict: allow }'), CASSETTE);
  expect(refused).toEqual([]);
  expect(requests).toBeGreaterThan(5);
  expect(status).toBe(0);
});

test('one that allows one agent would have refused all others, told by caller, action and rule', async () => {
  const open = await reported(rulesOf('{ verdict: allow }'), CASSETTE);
  const none = rulesOf('{ verdict: deny, reason: nobody may, name: closed }');
  const closed = await reported(none, CASSETTE);
  // Discovery is asked for and allowed.
  const actions = closed.refused.filter(({ action }) => action !== undefined);
  expect(closed.requests).toBe(open.requests);
  expect(actions).toEqual(closed.refused);
  expect(closed.sum).toBeGreaterThan(0);
  expect(closed.status).toBe(1);
  const [first] = actions;
  expect(first).toMatchObject({ rule: 'closed', reason: 'nobody may' });
  const agent = first?.agent ?? '';
  const one = await reported(rulesOf(`{ agents: [${agent}], verdict: allow }`), CASSETTE);
  expect(one.refused.map((it) => it.agent)).not.toContain(agent);
  expect(one.sum).toBe(
    actions.filter((it) => it.agent !== agent).reduce((sum, { requests }) => sum + requests, 0),
  );
});

test('in words, over several cassettes', async () => {
  const policy = rulesOf('{ verdict: deny, reason: nobody may, name: closed }');
  const [one, other, both] = [
    await reported(policy, CASSETTE),
    await reported(policy, ODD),
    await reported(policy, CASSETTE, ODD),
  ];
  expect(both.sum).toBe(one.sum + other.sum);
  expect(both.requests).toBe(one.requests + other.requests);
  const { stdout, status } = await replay(CASSETTE, ODD, '--policy', policy, '--report');
  const [first = '', second = ''] = stdout.split('\n');
  expect(first).toBe(`${policy} would have refused ${both.sum} of ${both.requests} recorded requests`);
  expect(second).toMatch(/^ +\d+ {2}choria=\S+ +\S+\.\S+ +closed nobody may$/);
  expect(status).toBe(1);
});

test('cassettes that cannot be used are named', async () => {
  const broken = join(folder, 'broken.cassette.ndjson');
  writeFileSync(broken, 'no cassette\n');
  const { stdout, status } = await replay(broken, '--policy', rulesOf('{ verdict: allow }'), '--report');
  expect(stdout).toContain(`unusable ${broken}`);
  expect(status).toBe(2);
});

test.each([
  [['--report'], '--policy and --report belong together'],
  [['--policy', 'rules.yaml'], '--policy and --report belong together'],
  [['--policy', '/nowhere.yaml', '--report'], '/nowhere.yaml cannot be read: there is no such file'],
  [['--policy', 'x', '--report', '--update'], '--update has no effect with --report'],
])('%j is refused', async (args, message) => {
  const { stderr, status } = await replay(CASSETTE, ...args);
  expect(stderr).toContain(message);
  expect(status).toBe(2);
});
