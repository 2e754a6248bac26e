import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Child, Finished } from '../support/process.ts';
import { blocksOf, commandsOf, DOCS, mentionsOf } from './commands.ts';
import { ELSEWHERE } from './elsewhere.ts';
import { type DocsWorld, MOVED, startDocsWorld, WEB1 } from './world.ts';

const CAPTURE = fileURLToPath(new URL('../../fixtures/captures/legacy-marshal.ndjson', import.meta.url));
const READY = /"msg":"ready"/;
const READY_MS = 60_000;

let world: DocsWorld;
const ran = new Set<string>();
const running = new Set<Child>();

beforeAll(async () => {
  world = await startDocsWorld();
});

afterAll(async () => {
  await Promise.all([...running].map((child) => child.stop()));
  await world?.stop();
});

/** The line as the document has it, noted as run. */
const written = (doc: string, line: string): string => {
  expect(commandsOf(doc).map((command) => command.line)).toContain(line);
  ran.add(`${doc}: ${line}`);
  return line;
};

const as = (doc: string, line: string): Promise<Finished> => world.shell(written(doc, line));

/** A command that is expected to do what it says. @returns what it printed */
const done = async (doc: string, line: string): Promise<string> => {
  const finished = await as(doc, line);
  expect(finished).toMatchObject({ status: 0 });
  return finished.stdout;
};

const begin = (doc: string, line: string): Child => {
  const child = world.begin(written(doc, line));
  running.add(child);
  return child;
};

const end = async (child: Child, signal: NodeJS.Signals = 'SIGTERM'): Promise<unknown> => {
  child.signal(signal);
  running.delete(child);
  return child.exited;
};

/** Tries again until it comes out right: nodes and bridges learn of each other in their own time. */
const until = async (what: () => Promise<boolean>, patienceMs = 90_000): Promise<void> => {
  const deadline = Date.now() + patienceMs;
  while (!(await what())) if (Date.now() > deadline) throw new Error('it did not come out right in time');
};

const README = 'README.md';
const RUN = 'mcbridge run --config bridge.yaml';
const [readmeConfig = ''] = blocksOf(README, 'yaml');
const [migrationConfig = ''] = blocksOf('docs/migration.md', 'yaml');

describe('the README, with the configuration in it,', () => {
  let bridge: Child;

  beforeAll(() => {
    world.write('bridge.yaml', world.here(readmeConfig.replace('[mcollective]', '[mcollective, uk]')));
  });

  it('is checked', async () => {
    expect(await done(README, 'mcbridge check --config bridge.yaml')).toMatch(/\b0 problems/);
    expect(await done('docs/operations.md', 'mcbridge check --config bridge.yaml')).toMatch(/\b0 problems/);
  });

  it('runs', async () => {
    bridge = begin(README, RUN);
    await bridge.waitFor(READY, READY_MS);
  });

  it('is asked by a client', async () => {
    const options = '--config bridge.yaml --cert alice.pem --key alice.key';
    expect(await done(README, `mcbridge ping ${options}`)).toContain(WEB1);
    expect(await done(README, `mcbridge rpc rpcutil get_fact fact=osfamily ${options}`)).toContain('Debian');
    expect(await done(README, `mcbridge federation trace ${WEB1} ${options}`)).toContain('answered through');
  });

  it('is asked as docs/client.md does', async () => {
    const doc = 'docs/client.md';
    const options = '--config bridge.yaml --cert alice.pem --key alice.key';
    const pinged = await done(doc, `mcbridge ping ${options} -F country=uk`);
    expect(pinged).toContain(WEB1);
    expect(pinged).not.toContain(MOVED);
    expect(await done(doc, `mcbridge rpc rpcutil get_fact fact=country ${options}`)).toMatch(/value: uk/);
    expect(await done(doc, `mcbridge federation trace ${WEB1} ${options}`)).toContain('(node)');
  });

  it('shows who lives where', async () => {
    const doc = 'docs/inventory.md';
    expect(await done(doc, 'mcbridge inventory --config bridge.yaml')).toContain('Inventory of production:');
    expect(
      await done(doc, "mcbridge inventory --config bridge.yaml --egress legacy --node 'web*'"),
    ).toContain(WEB1);
    const json = await done(
      doc,
      'mcbridge inventory --url http://mcbridge2.example.net:8222 --collective uk --json',
    );
    expect(JSON.parse(json)).toMatchObject({ cluster: 'production' });
  });

  it('says that it is ready', async () => {
    expect(JSON.parse(await done('docs/monitoring.md', 'curl -s localhost:8222/readyz'))).toMatchObject({
      ready: true,
    });
  });

  it('is watched', async () => {
    const doc = 'docs/observe.md';
    for (const line of commandsOf(doc).map((command) => command.line)) {
      const child = begin(doc, line);
      await child.waitFor(/Federation Broker: production/, READY_MS);
      expect(await end(child, 'SIGINT')).toBe(0);
    }
  });

  it('ends when it is told to', async () => {
    expect(await end(bridge)).toBe(0);
  });

  it('records, and proves a changed configuration', async () => {
    const recording = begin(README, `${RUN} --record web.cassette.ndjson`);
    await recording.waitFor(READY, READY_MS);
    expect(
      await world.shell('mcbridge ping --config bridge.yaml --cert alice.pem --key alice.key'),
    ).toMatchObject({
      status: 0,
    });
    expect(await end(recording)).toBe(0);
    world.copy('bridge.yaml', 'changed.yaml');
    expect(await done(README, 'mcbridge decode web.cassette.ndjson --config bridge.yaml')).toMatch(
      / 0 invalid/,
    );
    expect(await done(README, 'mcbridge replay web.cassette.ndjson --config changed.yaml')).toContain(
      '1 cassette',
    );
    for (const line of commandsOf('docs/cassettes.md').map((command) => command.line))
      if (!line.includes(' record ')) await done('docs/cassettes.md', line);
  });

  it('goes into CI', async () => {
    const doc = 'docs/ci.md';
    const recording = begin(doc, `${RUN} --record today.cassette.ndjson`);
    await recording.waitFor(READY, READY_MS);
    expect(
      await world.shell('mcbridge ping --config bridge.yaml --cert alice.pem --key alice.key'),
    ).toMatchObject({
      status: 0,
    });
    expect(await end(recording)).toBe(0);
    expect(await world.shell('mkdir cassettes')).toMatchObject({ status: 0 });
    await done(
      doc,
      'mcbridge redact today.cassette.ndjson --config bridge.yaml --out cassettes/web.cassette.ndjson --all-data',
    );
    // As npm would have installed it there.
    await world.shell(
      'mkdir -p node_modules/.bin && cp bin/mcbridge node_modules/.bin/ && echo {} > package.json',
    );
    await world.shell(
      'git init -q . && git add cassettes && git -c user.name=t -c user.email=t@t commit -qm cassettes',
    );
    const replay = 'mcbridge replay cassettes/ --config bridge.yaml --throw-away-keys';
    await done(doc, `npx --no -- ${replay} --update`);
    expect(await done(doc, 'git diff cassettes/')).toBe('');
  });
});

describe('docs/decode.md', () => {
  const doc = 'docs/decode.md';

  it('looks into messages', async () => {
    world.write('capture.ndjson', readFileSync(CAPTURE));
    world.write('request.bin', requestIn(CAPTURE));
    world.write('cut.json', '{"protocol":"choria:transport:1","data":"eyJwcm90b2NvbCI6');
    world.copy('legacy/clients/alice.pem', 'etc/mcollective/ssl/clients/alice.pem');
    for (const { line } of commandsOf(doc)) {
      const { stdout, stderr } = await as(doc, line);
      expect(stderr).toBe('');
      if (!line.includes('jq')) expect(stdout).not.toBe('');
    }
  });
});

describe('docs/migration.md', () => {
  const doc = 'docs/migration.md';
  const CLIENT = '--cert alice.pem --key alice.key';
  let bridge: Child;

  it('writes down what works today', async () => {
    await done(doc, 'mco find | sort > before.txt');
    expect((await world.shell('cat before.txt')).stdout).toBe(`${MOVED}\n${WEB1}\n`);
    expect(await done(doc, 'mco find -F osfamily=Debian | sort')).toBe(`${WEB1}\n`);
    expect(await done(doc, 'mco rpc rpcutil ping -j | jq length')).toBe('2\n');
  });

  it('finds nobody on a Choria network without nodes', async () => {
    const { status } = await as(
      doc,
      `mcbridge ping --server nats://nats1.example.net:4222 --ca choria/ca.pem ${CLIENT}`,
    );
    expect(status).toBe(1);
  });

  it('lets new clients reach legacy nodes', async () => {
    // A minute between two questions is too long for a test.
    const text = migrationConfig.replace('{ caller: cert=mcbridge }', '{ caller: cert=mcbridge, every: 2s }');
    expect(text).not.toBe(migrationConfig);
    world.write('bridge.yaml', world.here(text));
    expect(await done(doc, lineOf(doc, 'mcbridge check'))).toMatch(/\b0 problems/);
    bridge = begin(doc, RUN);
    await bridge.waitFor(READY, READY_MS);
    const inventory = lineOf(doc, 'mcbridge inventory --config bridge.yaml #');
    await until(async () => (await as(doc, inventory)).stdout.includes(WEB1));
    expect(await done(doc, `mcbridge ping --config bridge.yaml ${CLIENT}`)).toContain(WEB1);
  });

  it('lets old scripts reach a node that has moved', async () => {
    await world.move();
    const compare = lineOf(doc, 'mco find | sort | diff before.txt -');
    await until(async () => (await as(doc, compare)).status === 0);
    expect(await done(doc, `mcbridge inventory --config bridge.yaml --node ${MOVED}`)).toMatch(/choria/);
    expect(await done(doc, `mco rpc rpcutil get_fact fact=osfamily -I ${MOVED}`)).toContain('FreeBSD');
  });

  it('ends', async () => {
    expect(await end(bridge)).toBe(0);
  });
});

const entry = z.object({ command: z.string(), headers: z.record(z.string(), z.string()), body: z.string() });

/** The body of the first request in a capture, as the wire has it. */
const requestIn = (file: string): Uint8Array => {
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const { command, headers, body } = entry.parse(JSON.parse(line));
    if (command === 'SEND' && headers['destination']?.startsWith('/topic/') === true)
      return Buffer.from(body, 'base64');
  }
  throw new Error(`${file} holds no request`);
};

const lineOf = (doc: string, start: string): string =>
  commandsOf(doc).find(({ line }) => line.startsWith(start))?.line ?? start;

describe('every command of the docs', () => {
  it('runs in a test as it is written, or is on the list of those that run elsewhere', () => {
    const all = DOCS.flatMap(commandsOf).map(({ doc, line }) => `${doc}: ${line}`);
    const covered = new Set([...ran, ...Object.keys(ELSEWHERE)]);
    expect(all.filter((command) => !covered.has(command))).toEqual([]);
    expect(Object.keys(ELSEWHERE).filter((command) => !all.includes(command))).toEqual([]);
    expect(Object.keys(ELSEWHERE).filter((command) => ran.has(command))).toEqual([]);
  });

  it('has options that there are, also where it is only mentioned in a sentence', async () => {
    const wrong: string[] = [];
    const helps = new Map<string, string>();
    for (const doc of DOCS)
      for (const mention of mentionsOf(doc)) {
        const [, first = '', second = ''] = mention.split(' ');
        const name = first === 'federation' ? `${first} ${second}` : first;
        if (first === 'help' || first.includes('<')) continue;
        const help = helps.get(name) ?? (await world.shell(`mcbridge ${name} --help`)).stdout;
        helps.set(name, help);
        const isCommand = help.includes(`Usage: mcbridge ${name}`);
        const unknown = [...mention.matchAll(/ (--?[A-Za-z][\w-]*)/g)].filter(
          ([, option = '']) => !new RegExp(`(?:^|[ ,])${option}(?=[ ,]|$)`, 'm').test(help),
        );
        if (!isCommand || unknown.length > 0) wrong.push(`${doc}: ${mention}`);
      }
    expect(wrong).toEqual([]);
    expect(helps.size).toBeGreaterThan(5);
  });
});
