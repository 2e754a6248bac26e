import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { requestsOf } from '../capture/replay/requests.ts';
import { CAPTURES, makeWorld, type World } from '../capture/replay/world.ts';
import { run } from '../support/process.ts';
import { program } from '../support/program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MAIN = join(ROOT, 'dist/cli/main.js');
const VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))).version;

const example = (name: string): unknown => parse(readFileSync(join(ROOT, 'docs/ci', name), 'utf8'));

const github = z
  .object({
    on: z.object({ push: z.null(), pull_request: z.null() }),
    permissions: z.object({ contents: z.literal('read') }),
    jobs: z.object({
      replay: z.object({
        'runs-on': z.string().regex(/^ubuntu-\d/),
        steps: z.array(
          z.strictObject({
            name: z.string().optional(),
            if: z.string().optional(),
            uses: z
              .string()
              .regex(/^actions\/[\w-]+@v\d+$/)
              .optional(),
            with: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
            run: z.string().optional(),
          }),
        ),
      }),
    }),
  })
  .parse(example('github-actions.yml')).jobs.replay.steps;

const gitlab = z
  .object({
    replay: z.object({
      image: z.string().regex(/^node:\d+\.\d+\.\d+/),
      script: z.array(z.string()),
      artifacts: z.object({
        when: z.literal('always'),
        paths: z.array(z.string()),
        reports: z.object({ junit: z.string() }),
      }),
    }),
  })
  .parse(example('gitlab-ci.yml')).replay;

const linesIn = (script: string): readonly string[] => script.trim().split('\n');

/** What each example runs, line by line, and which report it hands on whatever comes of it. */
const EXAMPLES = {
  'github-actions.yml': {
    lines: github.flatMap(({ run: script }) => (script === undefined ? [] : linesIn(script))),
    report: github.find(({ uses }) => uses?.startsWith('actions/upload-artifact@') === true)?.with?.['path'],
  },
  'gitlab-ci.yml': { lines: gitlab.script, report: gitlab.artifacts.reports.junit },
};
const NAMES = ['github-actions.yml', 'gitlab-ci.yml'] as const;

let world: World;
/** The configuration with all its keys, what was recorded with it, and what of both is in the team's repository. */
let recorded: string;
let cassette: string;
let folder: string;

/** The configuration in the README, which names private keys, and takes its secrets from the environment. */
const readme = (): string => {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const block = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
  return block.replace(/^ {3}/gm, '');
};

const configure = (change: (text: string) => string = (text) => text): void =>
  writeFileSync(join(folder, 'bridge.yaml'), change(readme()));

beforeAll(async () => {
  world = makeWorld();
  recorded = world.config();
  const requests = await requestsOf('choria-v1-federated.ndjson', 'federation', recorded);
  cassette = await world.record(recorded, requests);

  folder = mkdtempSync(join(tmpdir(), 'mcbridge-team-'));
  for (const name of ['choria', 'legacy', 'cassettes', 'node_modules/.bin'])
    mkdirSync(join(folder, name), { recursive: true });
  copyFileSync(`${CAPTURES}keys/choria/ca.pem`, join(folder, 'choria/ca.pem'));
  const keys = /server_public_key: (\S+)/.exec(readFileSync(recorded, 'utf8'))?.[1] ?? '';
  copyFileSync(keys, join(folder, 'legacy/server-public.pem'));
  copyFileSync(cassette, join(folder, 'cassettes/rpcutil.cassette.ndjson'));
  // As `npm ci` would have installed it.
  writeFileSync(
    join(folder, 'package.json'),
    '{ "private": true, "devDependencies": { "mcbridge": "file:vendor/mcbridge-0.1.0.tgz" } }\n',
  );
  const bin = join(folder, 'node_modules/.bin/mcbridge');
  writeFileSync(bin, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(bin, 0o755);
  configure();
});

afterAll(() => {
  world?.end();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

/** Without variables of the machine that the tests run on, but those that programs need. */
const inCi = (line: string) => {
  const { PATH = '', HOME = '' } = process.env;
  return run('env', ['-i', `PATH=${PATH}`, `HOME=${HOME}`, 'CI=true', 'bash', '-ec', line], { cwd: folder });
};

describe.each(NAMES)('the example %s', (name) => {
  const { lines, report } = EXAMPLES[name];
  const commands = lines.filter((line) => line.includes('mcbridge'));
  const file = (): string => readFileSync(join(folder, String(report)), 'utf8');

  test('installs what the lock file names, and runs nothing else', () => {
    expect(lines[0]).toMatch(/^npm ci\b/);
    expect(lines.slice(1)).toEqual(commands);
    expect(commands.length).toBeGreaterThanOrEqual(2);
    for (const command of commands) expect(command).toMatch(/^npx --no -- mcbridge /);
  });

  test('is green for a configuration that does what was recorded, without a private key or a secret', async () => {
    configure();
    expect(readdirSync(folder, { recursive: true }).filter((one) => /\.key$|keys/.test(String(one)))).toEqual(
      [],
    );
    for (const command of commands) {
      const { status, stdout } = await inCi(command);
      expect({ status, stdout }).toMatchObject({ status: 0 });
      // npx has options of its own, and would tell its own version.
      if (command.endsWith(' --version')) expect(stdout.trim()).toBe(VERSION);
    }
    expect(file()).toContain('<testsuites tests="1" failures="0" errors="0"');
  });

  test('is red for one that maps callers to others, and its report says where', async () => {
    configure((text) => text.replace('to: cert=$1', 'to: cert=bob'));
    const { status, stdout } = await inCi(commands.at(-1) ?? '');
    expect(status).toBe(1);
    expect(stdout).toContain('+ replayed: "cert=bob"');
    expect(file()).toContain('<testsuites tests="1" failures="1" errors="0"');
    expect(file()).toMatch(/<failure message="\d+ differences">[\s\S]*\+ replayed: &quot;cert=bob&quot;/);
  });
});

test('a redacted cassette needs no file at all besides the configuration', async () => {
  const bare = join(folder, 'bare');
  mkdirSync(bare);
  const shared = join(bare, 'shared.cassette.ndjson');
  const redacted = await program('redact', cassette, '--config', recorded, '--out', shared, '--all-data');
  expect(redacted).toMatchObject({ status: 0, stderr: '' });
  const file = join(bare, 'bridge.yaml');
  writeFileSync(file, readme());
  const replayed = await program('replay', shared, '--config', file, '--throw-away-keys');
  expect(replayed).toMatchObject({ status: 0, stderr: '' });
  expect(replayed.stdout).toContain('1 cassette: 1 same');
  expect(replayed.stdout).toContain('egresses.legacy.signing.keys_dir (1 caller)');
  writeFileSync(file, readme().replace('to: cert=$1', 'to: cert=$1-new'));
  const changed = await program('replay', shared, '--config', file, '--throw-away-keys', '--json');
  expect(changed.status).toBe(1);
  expect(JSON.parse(changed.stdout).cassettes[0]).toMatchObject({
    outcome: 'different',
    madeKeys: ['egresses.legacy.signing.keys_dir/alice.pem'],
  });
});

test('the examples use one version of Node.js, which this program runs on', () => {
  const setup = github.find(({ uses }) => uses?.startsWith('actions/setup-node@') === true);
  const version = String(setup?.with?.['node-version']);
  expect(gitlab.image).toContain(`node:${version}`);
  const { engines } = z
    .object({ engines: z.object({ node: z.string().regex(/^>=\d+\.\d+$/) }) })
    .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [least = 0, leastMinor = 0] = engines.node.slice(2).split('.').map(Number);
  expect(major > least || (major === least && minor >= leastMinor), version).toBe(true);
});

test('the package that the team keeps has the program in it', () => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [packed] = z
    .tuple([z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) })])
    .parse(JSON.parse(output));
  expect(packed.files.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['dist/cli/main.js', 'dist/cli/replay/worker.js', 'docs/ci/gitlab-ci.yml']),
  );
  const docs = readFileSync(join(ROOT, 'docs/ci.md'), 'utf8');
  expect(docs).toContain(`vendor/${packed.filename}`);
});
