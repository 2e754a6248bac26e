import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUDIT_DISK } from '../../src/audit/file/disk.ts';
import { FORMATS } from '../../src/audit/format.ts';
import { headSigner } from '../../src/audit/head.ts';
import { hmacOf } from '../../src/audit/redaction.ts';
import { makeAudit, makeFolder, START, WRITER } from '../audit/world.ts';
import { commandsOf } from '../docs/commands.ts';
import { run } from '../support/process.ts';

const DOC = 'docs/audit.md';
const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const FLOW = '5b2f6c1de7a94a0c8f3f5f0e9d2b7a11';

const commands = commandsOf(DOC).map(({ line }) => line);
const linesWith = (start: string): readonly string[] => commands.filter((line) => line.startsWith(start));

/** A folder as the docs have it, with the keys that its commands make. */
const makeWorld = async (folder: string) => {
  writeFileSync(join(folder, 'mcbridge'), `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} "$@"\n`);
  chmodSync(join(folder, 'mcbridge'), 0o755);
  const env = { PATH: `${folder}:${process.env['PATH']}` };
  const shell = (line: string) =>
    run('bash', ['-c', line.replaceAll('/var/log/mcbridge/', '')], { cwd: folder, env });
  for (const line of [...linesWith('openssl'), ...linesWith('chmod')])
    expect(await shell(line)).toMatchObject({ status: 0 });
  const signer = headSigner(readFileSync(join(folder, 'audit-key.pem')));
  const secret = Buffer.from(readFileSync(join(folder, 'audit.hmac'), 'utf8').trim());
  return { folder, shell, signer, secret };
};

/** The smallest configuration. */
const SMALL = `cluster_key: 0123456789abcdef0123456789abcdef
ingresses: { federation: { type: choria-federation, servers: [nats://n.example.net], insecure_plaintext: true, callers: { ca: ca.pem } } }
egresses: { choria: { type: choria-collective, servers: [nats://m.example.net], insecure_plaintext: true, signing: { cert: c.pem, key: c.key } } }
routes: [{ from: federation, to: choria, collectives: [a] }]
`;

type World = Awaited<ReturnType<typeof makeWorld>>;

/** A bridge's audit in that folder: of one who restarts a service. */
const write = async ({ folder, signer, secret }: World, instance = 'one', name = 'audit.log') => {
  const writer = { ...WRITER, instance };
  const { open, heads, file } = makeAudit({
    file: join(folder, name),
    signer,
    writer,
    rotate: 2_500,
    disk: AUDIT_DISK,
  });
  let written = 0;
  const lineOf = (kind: 'request' | 'replies', more: object) =>
    FORMATS.choria(
      {
        kind,
        time: START + written++,
        ...(kind === 'request' && {
          asked: {
            requestId: 'a'.repeat(32),
            requestTime: START,
            caller: 'choria=alice.mcollective',
            sender: 'desk1.example.net',
            agent: 'service',
            action: 'restart',
            data: JSON.stringify({ user: hmacOf('bob', secret) }),
          },
        }),
        more: { flow: FLOW, route: 'federation → legacy', ...more },
      },
      writer,
    );
  const audit = open();
  if (instance === 'one') {
    await audit.write(
      [lineOf('request', { verdict: 'allow', rule: 'web team', targets: 3, nodes: ['n1', 'n2', 'n3'] })],
      true,
    );
    await audit.write([lineOf('replies', { ok: 1, failed: 0, refused: 0, nodes: ['n1'] })], true);
    for (let count = 0; count < 3; count++)
      await audit.write(
        [
          lineOf('request', {
            flow: `${count}`.repeat(32),
            verdict: 'deny',
            code: 'denied_by_policy',
            rule: 'nights',
          }),
        ],
        true,
      );
  } else
    await audit.write(
      [lineOf('replies', { ok: 0, failed: 1, refused: 0, nodes: [], failed_nodes: ['n2'] })],
      true,
    );
  await audit.close();
  return { file, heads };
};

describe('the commands of docs/audit.md', () => {
  let world: World;

  beforeAll(async () => {
    world = await makeWorld(mkdtempSync(join(tmpdir(), 'mcbridge-audit-')));
    const { heads } = await write(world);
    writeFileSync(
      join(world.folder, 'heads.ndjson'),
      heads.map((head) => `${JSON.stringify(head)}\n`).join(''),
    );
  });

  afterAll(() => rmSync(world.folder, { recursive: true, force: true }));

  it.each(linesWith('mcbridge audit verify'))('%s: nobody has touched them', async (line) => {
    const { status, stdout, stderr } = await world.shell(line);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/signed up to \d+\n[\s\S]*nobody has touched these records\n$/);
  });

  it.each(linesWith('mcbridge audit search'))('%s: finds it', async (line) => {
    const { status, stdout } = await world.shell(line);
    expect(status).toBe(0);
    expect(stdout).toContain(FLOW);
    if (line.includes('--json'))
      expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({
        verdict: 'allow',
        missing: ['n2', 'n3'],
      });
    else expect(stdout).toContain('in no file is an answer of n2, n3');
  });

  it.each(linesWith('jq'))('%s: counts what was let pass', async (line) => {
    const whole = await world.shell(line.replace('audit.log', 'audit.log*'));
    expect(whole.stdout.trim()).toMatch(/^1 choria=alice\.mcollective\tservice\.restart$/);
  });

  it('are all of these', () => {
    const known = ['openssl', 'chmod', 'mcbridge audit', 'jq', 'nats sub'];
    expect(commands.filter((line) => !known.some((start) => line.startsWith(start)))).toEqual([]);
    expect(linesWith('mcbridge audit').length).toBeGreaterThan(4);
  });
});

describe('mcbridge audit verify', () => {
  it('names the file and the line of what was changed, as a text and as JSON', async () => {
    const world = await makeWorld(makeFolder());
    const { file } = await write(world);
    writeFileSync(file, readFileSync(file, 'utf8').replace('nights', 'knights'));
    const verify = 'mcbridge audit verify audit.log* --key audit-public.pem';
    const { status, stdout } = await world.shell(verify);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^WRONG: audit\.log:\d+: this line was changed/m);
    const json = JSON.parse((await world.shell(`${verify} --json`)).stdout);
    expect(json.findings).toMatchObject([{ file: 'audit.log', line: expect.any(Number) }]);
  });

  it('names heads that are known and not there, and records that are elsewhere', async () => {
    const world = await makeWorld(makeFolder());
    const { heads } = await write(world);
    const { hash, seq, ...head } = heads.at(-1) ?? { hash: '', seq: 0 };
    appendFileSync(
      join(world.folder, 'heads.ndjson'),
      `${JSON.stringify({ ...head, hash, seq: seq + 2 })}\n`,
    );
    const verify = 'mcbridge audit verify audit.log --key audit-public.pem';
    const cut = await world.shell(`${verify} --partial --heads heads.ndjson`);
    expect([cut.status, cut.stdout]).toEqual([
      1,
      expect.stringContaining('is known from elsewhere and is not here'),
    ]);
    expect((await world.shell(verify)).stdout).toContain('(--partial: they are elsewhere)');
    expect(await world.shell(`${verify} --partial`)).toMatchObject({ status: 0 });
  });

  it.each([
    [
      'without a key',
      'audit.log',
      'which key has signed the heads? Give --key or --config; --chain-only checks none',
    ],
    [
      'with a file that is not there',
      'nothing.log --chain-only',
      'nothing.log cannot be read: there is no such file',
    ],
    ['with a key that is none', 'audit.log --key audit.log', 'audit.log is no key of heads'],
    [
      'with heads that are none',
      'audit.log --chain-only --heads audit-key.pem',
      'audit-key.pem:1 is no head',
    ],
  ])('is refused %s', async (_, args, words) => {
    const world = await makeWorld(makeFolder());
    await write(world);
    const { status, stderr } = await world.shell(`mcbridge audit verify ${args}`);
    expect([status, stderr]).toEqual([2, expect.stringContaining(words)]);
  });

  it('takes the key from the configuration', async () => {
    const world = await makeWorld(makeFolder());
    await write(world);
    const yaml = `${SMALL}audit: { key_file: audit-key.pem, hmac_key_file: audit.hmac, sinks: [{ file: audit.log }] }\n`;
    writeFileSync(join(world.folder, 'bridge.yaml'), yaml);
    expect(await world.shell('mcbridge audit verify audit.log* --config bridge.yaml')).toMatchObject({
      status: 0,
    });
    const found = await world.shell('mcbridge audit search audit.log* --hmac bob --config bridge.yaml');
    expect(found.stdout).toMatch(/\n4 requests\n$/);
  });
});

describe('mcbridge audit search', () => {
  it('adds up what came by several instances, and says what was refused and why', async () => {
    const world = await makeWorld(makeFolder());
    await write(world);
    await write(world, 'two', 'two.log');
    const { stdout } = await world.shell('mcbridge audit search audit.log* two.log --json');
    const found = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(found).toMatchObject([
      { verdict: 'allow', targets: 3, ok: 1, failed: 1, missing: ['n3'] },
      ...Array(3).fill({ verdict: 'deny', code: 'denied_by_policy', rule: 'nights' }),
    ]);
    expect(found[1].missing).toBeUndefined();
  });

  it.each([
    ['--caller choria=nobody', 0],
    ['--caller choria=alice.mcollective', 4],
    ['--agent service', 4],
    ['--agent service.stop', 0],
    ['--since 2027-01-16', 0],
    ['--until 2027-01-16', 4],
    ['--since 2027-01-15T08:00 --until 2027-01-15T08:00:00.000000+0000', 1],
    ['--since 2027-01-15T09:00:00.001+01:00', 3],
    [`--id ${'1'.repeat(32)}`, 1],
    ['--hmac alice --hmac-key audit.hmac', 0],
  ])('finds by %s: %d', async (options, count) => {
    const world = await makeWorld(makeFolder());
    await write(world);
    const { status, stdout } = await world.shell(`mcbridge audit search audit.log* ${options}`);
    expect(stdout).toContain(count === 1 ? '1 request\n' : `${count} requests\n`);
    expect(status).toBe(count === 0 ? 1 : 0);
  });

  it.each(['--since', '--until'])('is refused with %s and what is no time', async (option) => {
    const world = await makeWorld(makeFolder());
    const { status, stderr } = await world.shell(`mcbridge audit search audit.log* ${option} 2026-02-30`);
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining(
        "argument '2026-02-30' is invalid. Give a time such as 2026-12-01, 2026-12-01T02:00 or 2026-12-01T02:00:00+01:00; without a zone it is UTC.",
      ),
    ]);
  });
});
