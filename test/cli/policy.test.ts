import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { MINIMAL } from '../config/sample.ts';
import { program } from '../support/program.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-policy-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const at = (name: string): string => join(folder, name);

const policy = (...args: readonly string[]) => program('policy', ...args);

const write = (name: string, ...lines: readonly string[]): void =>
  writeFileSync(join(folder, name), lines.map((it) => `${it}\n`).join(''));

const policies = (): void => {
  mkdirSync(join(folder, 'policies'));
  write(
    'policies/puppet.policy',
    'policy default deny',
    'allow\tcert=bob\t*\t*\t*',
    'allow\tcert=alice\tstatus\t*\t*',
    'allow\tcert=carol\tstatus\tcountry=de\t*',
  );
};

const rules = (): void =>
  write(
    'rules.yaml',
    'rules:',
    '  - { callers: [choria=alice.mcollective], agents: [puppet], inputs: { force: { equals: true } }, verdict: deny, reason: force is not for you }',
    '  - { callers: [choria=alice.mcollective], agents: [puppet], verdict: allow }',
  );

test('explain names the line that decides, and why each before it was passed over', async () => {
  policies();
  const asked = [
    '--folder',
    at('policies'),
    '--caller',
    'cert=alice',
    '--agent',
    'puppet',
    '--action',
    'status',
  ];
  const { stdout, status } = await policy('explain', ...asked);
  expect(status).toBe(0);
  expect(stdout.split('\n')).toEqual([
    'cert=alice asks puppet.status in mcollective',
    `allowed by ${at('policies/puppet.policy')}:3`,
    '',
    'passed over:',
    `  ${at('policies/puppet.policy')}:2  its callers, "cert=bob", do not include "cert=alice"`,
    '',
  ]);
  const json = JSON.parse((await policy('explain', ...asked, '--json')).stdout);
  expect(json).toMatchObject({
    policy: `${at('policies')} (choria)`,
    request: { caller: 'cert=alice', agent: 'puppet', action: 'status' },
    verdict: 'allow',
    rule: `${at('policies/puppet.policy')}:3`,
    passed: [{ rule: `${at('policies/puppet.policy')}:2` }],
    remarks: [],
  });
});

test('explain leaves what depends on a node to it, or denies it', async () => {
  policies();
  const asked = [
    '--folder',
    at('policies'),
    '--caller',
    'cert=carol',
    '--agent',
    'puppet',
    '--action',
    'status',
  ];
  expect((await policy('explain', ...asked)).stdout).toContain(
    `left to the nodes by ${at('policies/puppet.policy')}:4`,
  );
  const denied = await policy('explain', ...asked, '--unknown', 'deny');
  expect(denied.stdout).toContain('denied by');
  expect(denied.status).toBe(1);
});

test('explain reads dialects', async () => {
  policies();
  const asked = [
    '--folder',
    at('policies'),
    '--caller',
    'cert=bo',
    '--agent',
    'puppet',
    '--action',
    'status',
  ];
  expect((await policy('explain', ...asked)).status).toBe(1);
  expect((await policy('explain', ...asked, '--dialect', 'puppet')).stdout).toContain('allowed by');
});

test('explain asks a file of rules, with inputs', async () => {
  rules();
  const asked = [
    '--policy',
    at('rules.yaml'),
    '--caller',
    'choria=alice.mcollective',
    '--agent',
    'puppet',
    '--action',
    'runonce',
  ];
  expect((await policy('explain', ...asked)).stdout).toContain(`allowed by ${at('rules.yaml')}:3`);
  const denied = await policy('explain', ...asked, 'force=true');
  expect(denied.stdout).toContain('denied by');
  expect(denied.stdout).toContain('force is not for you');
  expect(denied.status).toBe(1);
});

test('explain asks the policy of a route', async () => {
  rules();
  write(
    'bridge.yaml',
    MINIMAL.replace('    to: legacy\n', '    to: legacy\n    policy: ours\n'),
    'policies:',
    '  ours:',
    '    files: [rules.yaml]',
  );
  const asked = ['--caller', 'choria=alice.mcollective', '--agent', 'puppet', '--action', 'runonce'];
  const named = ['--config', at('bridge.yaml'), '--route', 'federation -> legacy'];
  expect((await policy('explain', ...named, ...asked)).stdout).toContain('allowed by');
  const missing = await policy('explain', '--config', at('bridge.yaml'), '--route', 'a -> b', ...asked);
  expect(missing).toMatchObject({ status: 2 });
  expect(missing.stderr).toContain('has no route "a -> b"; it has "federation -> legacy"');
  const unknown = await policy('explain', '--config', at('bridge.yaml'), '--policy', 'theirs', ...asked);
  expect(unknown.stderr).toContain('has no policy "theirs"; it has ours');
});

test.each([
  [[], 'which policy? Give --folder, --policy with a file of rules, or --config'],
  [['--folder', '/nowhere'], '/nowhere cannot be read: there is no such file'],
  [['--policy', '/nowhere/rules.yaml'], '/nowhere/rules.yaml cannot be read: there is no such file'],
  [['--folder', '/a', '--policy', 'b'], '--folder is a policy by itself'],
  [
    ['--folder', '/', '--at', 'noon'],
    "option '--at <time>' argument 'noon' is invalid. Give a time such as 2026-12-01, 2026-12-01T02:00 or 2026-12-01T02:00:00+01:00; without a zone it is UTC.",
  ],
])('explain %j is refused', async (args, message) => {
  const { status, stderr } = await policy(
    'explain',
    '--caller',
    'cert=a',
    '--agent',
    'puppet',
    '--action',
    'x',
    ...args,
  );
  expect(stderr).toContain(message);
  expect(status).toBe(2);
});

const table = (...cases: readonly string[]): void =>
  write(
    'cases.yaml',
    'folder: policies',
    'cases:',
    ...cases.map((it) => `  - { agent: puppet, action: status, ${it} }`),
  );

test('a table whose cases are all as expected ends with 0', async () => {
  policies();
  table(
    'caller: cert=bob, expect: allow, rule: puppet.policy:2',
    'caller: cert=carol, expect: defer',
    'caller: cert=mallory, expect: deny',
  );
  expect(await policy('test', at('cases.yaml'))).toMatchObject({
    status: 0,
    stdout: '3 cases, all as wished\n',
  });
});

test('a case that is not as expected is named with its line, the rule that decided and what was passed over', async () => {
  policies();
  table(
    'caller: cert=bob, expect: deny, name: bob may not',
    'caller: cert=alice, expect: allow, rule: puppet.policy:2',
  );
  const { status, stdout } = await policy('test', at('cases.yaml'), '--junit', at('junit.xml'));
  expect(status).toBe(1);
  expect(stdout.split('\n')).toEqual([
    `wrong ${at('cases.yaml')}:3: bob may not`,
    `  it is allow, and not deny, by ${at('policies/puppet.policy')}:2`,
    `wrong ${at('cases.yaml')}:4: cert=alice asks puppet.status`,
    `  ${at('policies/puppet.policy')}:3 decides, and not puppet.policy:2`,
    `    ${at('policies/puppet.policy')}:2: its callers, "cert=bob", do not include "cert=alice"`,
    '2 cases, 2 not as wished',
    '',
  ]);
  const junit = readFileSync(at('junit.xml'), 'utf8');
  expect(junit).toContain('<testsuites tests="2" failures="2" errors="0"');
  expect(junit).toContain('bob may not');
  const json = JSON.parse((await policy('test', at('cases.yaml'), '--json')).stdout);
  expect(json.cases).toMatchObject([
    { line: 3, passed: false, verdict: 'allow' },
    { line: 4, passed: false },
  ]);
});

test('the command line can try a table on another policy', async () => {
  policies();
  rules();
  table('caller: choria=alice.mcollective, expect: allow');
  expect((await policy('test', at('cases.yaml'))).status).toBe(1);
  expect((await policy('test', at('cases.yaml'), '--policy', at('rules.yaml'))).status).toBe(0);
});

test('a table with mistakes is refused with their places', async () => {
  policies();
  table('caller: cert=bob, expect: perhaps', 'caller: cert=bob, expects: allow');
  const { status, stderr } = await policy('test', at('cases.yaml'));
  expect(status).toBe(2);
  expect(stderr).toContain(`${at('cases.yaml')}:3:`);
  expect(stderr).toContain('expects');
});

test('import writes rules and says where implementations differ', async () => {
  policies();
  const { status, stdout, stderr } = await policy('import', '--from', at('policies'));
  expect(status).toBe(0);
  expect(parse(stdout).rules).toMatchObject([
    { name: 'puppet.policy.2', as: ['cert=bob'], verdict: 'allow' },
    { name: 'puppet.policy.3', verdict: 'allow' },
    { name: 'puppet.policy.4', verdict: 'defer' },
    { name: 'puppet.policy.default', verdict: 'deny' },
    { name: 'no-file', verdict: 'deny' },
  ]);
  expect(stderr).toContain('puppet.policy:2: allow\\tcert=bob\\t*\\t*\\t*\n  cert=bo asks for status\n');
  expect(stderr).toContain('puppet     matches: ');
  const saved = await policy('import', '--from', at('policies'), '--out', at('rules.yaml'), '--json');
  expect(JSON.parse(saved.stdout).rules).toBe(readFileSync(at('rules.yaml'), 'utf8'));
  expect(JSON.parse(saved.stdout).differences).toHaveLength(3);
  expect(
    await policy(
      'explain',
      '--policy',
      at('rules.yaml'),
      '--caller',
      'choria=a',
      '--as',
      'cert=bob',
      '--agent',
      'puppet',
      '--action',
      'x',
    ),
  ).toMatchObject({ status: 0 });
});
