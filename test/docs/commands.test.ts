import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../support/process.ts';
import { program } from '../support/program.ts';
import { blocksOf, commandsOf, DOCS, mentionsOf } from './commands.ts';
import { ELSEWHERE, LONGER } from './elsewhere.ts';
import { READY, READY_MS, type Session, startSession, until } from './session.ts';
import { MOVED, WEB1 } from './world.ts';

const README = 'README.md';
const RUN = 'mcbridge run --config bridge.yaml';
const CLIENT = '--cert alice.pem --key alice.key';
const [readmeConfig = ''] = blocksOf(README, 'yaml');
const [migrationConfig = ''] = blocksOf('docs/migration.md', 'yaml');

let session: Session;

beforeAll(async () => {
  session = await startSession();
});

afterAll(() => session?.stop());

describe('the README, with the configuration in it,', () => {
  let bridge: Child;

  beforeAll(() => {
    session.world.write('bridge.yaml', session.world.here(readmeConfig));
  });

  it('is checked', async () => {
    const { done } = session;
    const checks = [README, 'docs/operations.md'].map((doc) =>
      done(doc, 'mcbridge check --config bridge.yaml'),
    );
    for (const checked of checks) expect(await checked).toMatch(/\b0 problems/);
  });

  it('runs', async () => {
    bridge = session.begin(README, RUN);
    await bridge.waitFor(READY, READY_MS);
  });

  it('is asked by a client, and says that it is ready', async () => {
    const { done } = session;
    const options = `--config bridge.yaml ${CLIENT}`;
    const [pinged, fact, trace, ready] = await Promise.all([
      done(README, `mcbridge ping ${options}`),
      done(README, `mcbridge rpc rpcutil get_fact fact=osfamily ${options}`),
      done(README, `mcbridge federation trace ${WEB1} ${options}`),
      done('docs/monitoring.md', 'curl -s localhost:8222/readyz'),
    ]);
    expect(pinged).toContain(WEB1);
    expect(fact).toContain('Debian');
    expect(trace).toContain('answered through');
    expect(JSON.parse(ready)).toMatchObject({ ready: true });
  });

  it('says how it is, and logs more or less', async () => {
    const { done } = session;
    const doc = 'docs/operations.md';
    expect(await done(doc, 'mcbridge status --config bridge.yaml')).toMatch(
      /^Bridge production:.*\nready, up for /,
    );
    expect(await done(README, 'mcbridge status --url http://localhost:8222')).toMatch(/^ready, up for /m);
    expect(await done(doc, 'mcbridge log debug --for 10m --config bridge.yaml')).toMatch(/and then info$/m);
    expect(await done(doc, 'mcbridge log --config bridge.yaml')).toMatch(/^the log level is debug, for /);
  });

  it('ends when it is told to', async () => {
    expect(await session.end(bridge)).toBe(0);
  });

  it('records, and proves a changed configuration', async () => {
    const { done, world } = session;
    await session.recordPing(README, `${RUN} --record web.cassette.ndjson`);
    world.copy('bridge.yaml', 'changed.yaml');
    const [decoded, replayed] = await Promise.all([
      done(README, 'mcbridge decode web.cassette.ndjson --config bridge.yaml'),
      done(README, 'mcbridge replay web.cassette.ndjson --config changed.yaml'),
    ]);
    expect(decoded).toMatch(/ 0 invalid/);
    expect(replayed).toContain('1 cassette');
  });

  it('goes into CI', async () => {
    const doc = 'docs/ci.md';
    const { done, world } = session;
    await session.recordPing(doc, `${RUN} --record today.cassette.ndjson`);
    expect(await world.shell('mkdir cassettes')).toMatchObject({ status: 0 });
    const out = '--out cassettes/web.cassette.ndjson --all-data';
    await done(doc, `mcbridge redact today.cassette.ndjson --config bridge.yaml ${out}`);
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

describe('docs/migration.md', () => {
  const doc = 'docs/migration.md';
  let bridge: Child;

  it('writes down what works today, while nobody answers on the Choria network', async () => {
    const { as, done, world } = session;
    const [, debian, pinged, { status }] = await Promise.all([
      done(doc, 'mco find | sort > before.txt'),
      done(doc, 'mco find -F osfamily=Debian | sort'),
      done(doc, 'mco rpc rpcutil ping -j | jq length'),
      as(doc, `mcbridge ping --server nats://nats1.example.net:4222 --ca choria/ca.pem ${CLIENT}`),
    ]);
    expect((await world.shell('cat before.txt')).stdout).toBe(`${MOVED}\n${WEB1}\n`);
    expect(debian).toBe(`${WEB1}\n`);
    expect(pinged).toBe('2\n');
    expect(status).toBe(1);
  });

  it('lets new clients reach legacy nodes', async () => {
    const { as, done, lineOf, world } = session;
    // A minute between two questions is too long for a test.
    const text = migrationConfig.replace('{ caller: cert=mcbridge }', '{ caller: cert=mcbridge, every: 2s }');
    expect(text).not.toBe(migrationConfig);
    world.write('bridge.yaml', world.here(text));
    expect(await done(doc, lineOf(doc, 'mcbridge check'))).toMatch(/\b0 problems/);
    bridge = session.begin(doc, RUN);
    await bridge.waitFor(READY, READY_MS);
    const inventory = lineOf(doc, 'mcbridge inventory --config bridge.yaml #');
    await until(async () => (await as(doc, inventory)).stdout.includes(WEB1));
    expect(await done(doc, `mcbridge ping --config bridge.yaml ${CLIENT}`)).toContain(WEB1);
  });

  it('lets old scripts reach a node that has moved', async () => {
    const { as, done, lineOf, world } = session;
    await world.move();
    const compare = lineOf(doc, 'mco find | sort | diff before.txt -');
    await until(async () => (await as(doc, compare)).status === 0);
    const [lives, fact] = await Promise.all([
      done(doc, `mcbridge inventory --config bridge.yaml --node ${MOVED}`),
      done(doc, `mco rpc rpcutil get_fact fact=osfamily -I ${MOVED}`),
    ]);
    expect(lives).toMatch(/choria/);
    expect(fact).toContain('FreeBSD');
  });

  it('ends', async () => {
    expect(await session.end(bridge)).toBe(0);
  });
});

describe('every command of the docs', () => {
  it('runs in a test as it is written, or is on the list of those that run elsewhere', () => {
    const all = DOCS.flatMap(commandsOf).map(({ doc, line }) => ({ doc, command: `${doc}: ${line}` }));
    const isCovered = (command: string): boolean => session.ran.has(command) || command in ELSEWHERE;
    expect(all.filter(({ doc, command }) => !LONGER.includes(doc) && !isCovered(command))).toEqual([]);
    const commands = all.map(({ command }) => command);
    expect(Object.keys(ELSEWHERE).filter((command) => !commands.includes(command))).toEqual([]);
    expect(Object.keys(ELSEWHERE).filter((command) => session.ran.has(command))).toEqual([]);
  });

  it('has options that there are, also where it is only mentioned in a sentence', async () => {
    const mentions = DOCS.flatMap((doc) => mentionsOf(doc).map((mention) => ({ doc, mention }))).flatMap(
      ({ doc, mention }) => {
        const [, first = '', second = ''] = mention.split(' ');
        if (first === 'help' || first.includes('<')) return [];
        return [
          {
            doc,
            mention,
            name: first === 'federation' || first === 'policy' ? `${first} ${second}`.trim() : first,
          },
        ];
      },
    );
    const names = [...new Set(mentions.map(({ name }) => name))];
    const help = async (name: string) =>
      [name, (await program(...name.split(' '), '--help')).stdout] as const;
    const helps = new Map(await Promise.all(names.map(help)));
    const wrong = mentions.filter(({ mention, name }) => {
      const text = helps.get(name) ?? '';
      const options = [...mention.matchAll(/ (--?[A-Za-z][\w-]*)/g)].map(([, option = '']) => option);
      const isThere = (option: string): boolean =>
        new RegExp(`(?:^|[ ,])${option}(?=[ ,]|$)`, 'm').test(text);
      return !text.includes(`Usage: mcbridge ${name}`) || !options.every(isThere);
    });
    expect(wrong).toEqual([]);
    expect(names.length).toBeGreaterThan(5);
  });
});
