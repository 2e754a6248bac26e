import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unusable } from '../../src/capture/replay/result.ts';
import { junitText } from '../../src/cli/replay/junit.ts';
import { requestsOf } from '../capture/replay/requests.ts';
import { CAPTURES, linesIn, makeWorld, type World } from '../capture/replay/world.ts';
import { makeAuthority } from '../support/pki.ts';
import { run, start } from '../support/process.ts';
import { program } from '../support/program.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const replay = (...args: readonly string[]) => program('replay', ...args);

let world: World;
let config: string;
let other: string;
let folder: string;

beforeAll(async () => {
  world = makeWorld();
  config = world.config();
  other = world.config({ rule: 'cert=bob' });
  folder = `${world.folder}/cassettes`;
  mkdirSync(`${folder}/deeper`, { recursive: true });
  const federated = await world.record(
    config,
    await requestsOf('choria-v1-federated.ndjson', 'federation', config),
  );
  const legacy = await world.record(config, await requestsOf('legacy-yaml.ndjson', 'clients', config));
  copyFileSync(federated, `${folder}/federated.cassette.ndjson`);
  copyFileSync(legacy, `${folder}/deeper/legacy.cassette.ndjson`);
  writeFileSync(`${folder}/notes.txt`, 'no cassette');
});

afterAll(() => world.end());

/** What a parser of XML would stumble over: names that do not close in their order, or a bare `<` or `&`. */
const checkXml = (text: string): void => {
  const open: string[] = [];
  const body = text.replace(/^<\?xml[^>]*\?>\n/, '');
  expect(body.replace(/<[^<>]*>/g, '')).not.toMatch(/[<>]|&(?!(?:amp|lt|gt|quot);)/);
  for (const [tag, close, name = '', rest = ''] of body.matchAll(
    /<(\/?)([\w]+)((?:\s+\w+="[^"<]*")*\s*\/?)>/g,
  )) {
    expect(tag).toBeTruthy();
    if (close === '/') expect(open.pop()).toBe(name);
    else if (!rest.endsWith('/')) open.push(name);
  }
  expect(open).toEqual([]);
};

describe('mcbridge replay', () => {
  test('says that a folder of cassettes is as it was, and ends with 0', async () => {
    const { status, stdout, stderr } = await replay(folder, '--config', config);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(
      /^\S*\/deeper\/legacy\.cassette\.ndjson: same: (\d+) of \1; \d+ messages fed, in [\d.]+ s\n\S*\/federated\.cassette\.ndjson: same: .*\n2 cassettes: 2 same, 0 different, 0 unusable; \d+ messages fed\n$/,
    );
  });

  test('shows each difference with its place, and ends with 1', async () => {
    const { status, stdout, stderr } = await replay(`${folder}/federated.cassette.ndjson`, '-c', other);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(stdout).toMatch(
      /federated\.cassette\.ndjson:\d+: egress legacy: \/topic\/mcollective\.discovery\.agent, request \w{32}, from mcbridge\.example\.net is not as it was recorded\n {4}body\.message\.:callerid\n {6}- recorded: "cert=alice"\n {6}\+ replayed: "cert=bob"\n/,
    );
    expect(stdout).toMatch(/\n1 cassette: 0 same, 1 different, 0 unusable; \d+ messages fed\n$/);
    expect(stdout).not.toContain('\u001b');
  });

  test('never lets a message steer the terminal', async () => {
    const [header = '', ...rest] = linesIn(`${folder}/federated.cassette.ndjson`);
    const file = `${world.folder}/evil.cassette.ndjson`;
    const evil = rest.map((line) =>
      line.includes('"dir":"out"') ? line.replace('"destination":"', '"destination":"\\u001b[2J') : line,
    );
    writeFileSync(file, `${[header, ...evil].join('\n')}\n`);
    const { status, stdout } = await replay(file, '-c', config);
    expect(status).toBe(1);
    expect(stdout).toContain('\\u{001b}[2J');
    expect(stdout).not.toContain('\u001b');
    expect((await replay(file, '-c', config, '--json')).stdout).not.toContain('\u001b');
  });

  test('prints JSON, and writes JUnit’s XML', async () => {
    const junit = `${world.folder}/junit.xml`;
    const { status, stdout } = await replay(folder, '-c', other, '--json', '--junit', junit);
    expect(status).toBe(1);
    const { cassettes } = JSON.parse(stdout);
    expect(cassettes).toMatchObject([
      { file: `${folder}/deeper/legacy.cassette.ndjson`, outcome: 'same', differences: [] },
      { file: `${folder}/federated.cassette.ndjson`, outcome: 'different', updated: false },
    ]);
    expect(cassettes[1].differences[0].changes).toContainEqual({
      path: 'body.message.:callerid',
      recorded: '"cert=alice"',
      replayed: '"cert=bob"',
    });
    const text = readFileSync(junit, 'utf8');
    checkXml(text);
    expect(text).toContain('<testsuites tests="2" failures="1" errors="0"');
    expect(text).toContain('+ replayed: &quot;cert=bob&quot;');
    expect(text).toMatch(
      /\.cassette\.ndjson:\d+: egress legacy: \S+, request \w{32}, from mcbridge\.example\.net is not as it was recorded\n/,
    );
  });

  test('prints what came out, and ends with 2, where the XML cannot be written', async () => {
    const junit = `${world.folder}/no/such/junit.xml`;
    const { status, stdout, stderr } = await replay(folder, '-c', config, '--junit', junit);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `mcbridge: --junit ${junit} cannot be written: there is no such folder\n`,
    });
    expect(stdout).toContain('2 cassettes: 2 same');
  });

  test('replays a cassette once, however often and by whatever name it is given', async () => {
    const link = `${world.folder}/link.cassette.ndjson`;
    symlinkSync(`${folder}/federated.cassette.ndjson`, link);
    const { stdout } = await replay(link, folder, `${folder}/../cassettes`, link, '-c', config);
    expect(stdout).toMatch(/\n2 cassettes: 2 same, /);
  });

  test('names the line of a damaged cassette, goes on with the others, and ends with 2', async () => {
    const damaged = `${world.folder}/damaged.cassette.ndjson`;
    const lines = linesIn(`${folder}/federated.cassette.ndjson`);
    writeFileSync(damaged, [...lines.slice(0, 3), '{"at": 1', ...lines.slice(3)].join('\n'));
    const { status, stdout } = await replay(damaged, folder, '-c', config);
    expect(status).toBe(2);
    expect(stdout).toContain(`${damaged}: unusable\n  ${damaged}:4: it is not JSON`);
    expect(stdout).toMatch(/\n3 cassettes: 2 same, 0 different, 1 unusable; /);
  });

  test('tells of a link that leads nowhere, goes on with the others, and ends with 2', async () => {
    const linked = `${world.folder}/linked`;
    mkdirSync(linked);
    symlinkSync(folder, `${linked}/all`);
    symlinkSync('gone', `${linked}/gone.cassette.ndjson`);
    copyFileSync(`${folder}/federated.cassette.ndjson`, `${linked}/part.cassette.ndjson.2`);
    const junit = `${world.folder}/linked.xml`;
    const { status, stdout, stderr } = await replay(linked, '-c', config, '--junit', junit);
    expect({ status, stderr }).toEqual({ status: 2, stderr: '' });
    expect(stdout).toContain(
      'gone.cassette.ndjson cannot be read: it is a link to gone, which is not there\n',
    );
    expect(stdout).toMatch(/\n4 cassettes: 3 same, 0 different, 1 unusable; /);
    expect(readFileSync(junit, 'utf8')).toContain('<testsuites tests="4" failures="0" errors="1"');
  });

  test('ends with 2, and not as for differences, where the program itself fails', async () => {
    const broken = 'data:text/javascript,process.stdout.write = () => { throw new Error("broken"); }';
    const args = ['--import', broken, MAIN, 'replay', `${folder}/federated.cassette.ndjson`, '-c', config];
    const { status, stderr } = await run(process.execPath, args);
    expect(stderr).toContain('this is a bug, please report it\nError: broken');
    expect(status).toBe(2);
  });

  describe('that a signal ends', () => {
    /** So many messages that they are not all replayed before the signal comes. */
    const long = (name: string): string => {
      const file = `${world.folder}/${name}.cassette.ndjson`;
      const [header = '', ...lines] = linesIn(`${folder}/federated.cassette.ndjson`);
      const last = lines.at(-1) ?? '';
      const at = /^\{"at":\d+/.exec(last)?.[0] ?? '';
      const round = `${lines.map((line) => line.replace(/^\{"at":\d+/, at)).join('\n')}\n`;
      writeFileSync(file, `${header}\n${round.repeat(200)}`);
      return file;
    };

    test.each<[string, readonly string[], NodeJS.Signals, number]>([
      ['alone', ['long-1'], 'SIGINT', 130],
      ['in threads', ['long-2', 'long-3'], 'SIGTERM', 143],
    ])('leaves nothing behind: %s', async (_, names, signal, code) => {
      const temporary = `${world.folder}/temporary-${code}`;
      mkdirSync(temporary);
      const files = names.map(long);
      const before = files.map((file) => readFileSync(file, 'utf8'));
      const args = [MAIN, 'replay', ...files, '-c', other, '--update', '--throw-away-keys'];
      const child = start(process.execPath, args, { env: { TMPDIR: temporary } });
      const partials = () => readdirSync(world.folder).filter((name) => name.endsWith('.partial'));
      await expect.poll(() => partials().length, { timeout: 60_000 }).toBe(names.length);
      // The keys that it has made are in no file.
      expect(readdirSync(temporary)).toEqual([]);
      child.signal(signal);
      expect(await child.exited).toBe(code);
      expect(child.log()).toBe('mcbridge: interrupted: what was not replayed to its end is as it was\n');
      expect(partials()).toEqual([]);
      expect(readdirSync(temporary)).toEqual([]);
      expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
    });
  });

  test('accepts what came out with --update', async () => {
    const file = `${world.folder}/accepted.cassette.ndjson`;
    copyFileSync(`${folder}/federated.cassette.ndjson`, file);
    const first = await replay(file, '-c', other, '--update');
    expect(first.status).toBe(0);
    expect(first.stdout).toMatch(/: updated: \d+ differences, /);
    expect((await replay(file, '-c', other, '--bytes')).status).toBe(0);
    expect((await replay(file, '-c', config)).status).toBe(1);
  });

  test('makes a cassette of a capture', async () => {
    const file = `${world.folder}/new.cassette.ndjson`;
    const capture = `${CAPTURES}choria-v1-federated.ndjson`;
    const made = await replay(file, '-c', config, '--import', capture, '--as', 'federation');
    expect({ status: made.status, stderr: made.stderr }).toEqual({ status: 0, stderr: '' });
    expect(made.stdout).toMatch(/new\.cassette\.ndjson: made: [1-9]\d* requests, [1-9]\d* messages\n/);
    expect((await replay(file, '-c', config)).status).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  describe('of a capture', () => {
    const capture = `${CAPTURES}choria-v1-federated.ndjson`;
    const importing = (file: string, ...args: readonly string[]) =>
      replay(file, '--import', capture, '--as', 'federation', ...args);

    test('replaces no cassette unless told so', async () => {
      const file = `${world.folder}/precious.cassette.ndjson`;
      writeFileSync(file, 'precious');
      const refused = await importing(file, '-c', config);
      expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('is there already') });
      expect(readFileSync(file, 'utf8')).toBe('precious');
      expect((await importing(file, '-c', config, '--force')).status).toBe(0);
      expect((await replay(file, '-c', config)).status).toBe(0);
    });

    test('makes none where there is no folder, and says so', async () => {
      const file = `${world.folder}/no/such/new.cassette.ndjson`;
      const { status, stderr } = await importing(file, '-c', config);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: `mcbridge: ${file} cannot be written: there is no such folder\n`,
      });
    });

    test('says what was refused, and makes none of refusals only', async () => {
      const file = `${world.folder}/refused.cassette.ndjson`;
      const strangers = world.config({ ca: makeAuthority('another').certificate });
      const all = await importing(file, '-c', strangers);
      expect(all.status).toBe(2);
      expect(all.stderr).toMatch(
        /all \d+ requests of .* were refused \(untrusted_certificate\): no cassette/,
      );
      expect(existsSync(file)).toBe(false);
      const some = `${world.folder}/some.ndjson`;
      const broken = '{"at":0,"subject":"choria.federation.production.federation","payload":"{"}';
      writeFileSync(some, `${broken}\n${readFileSync(capture, 'utf8')}`);
      const made = await replay(file, '-c', config, '--import', some, '--as', 'federation');
      expect(made.status).toBe(0);
      expect(made.stdout).toMatch(/made: \d+ requests, \d+ messages; refused: 1 malformed_json\n/);
    });
  });

  test.each<[string, () => readonly string[], string]>([
    [
      'a place that is not there',
      () => ['nowhere', '-c', config],
      'nowhere cannot be read: there is no such file',
    ],
    [
      'a folder without cassettes',
      () => [`${world.folder}/empty`, '-c', config],
      'there is no *.cassette.ndjson in',
    ],
    ['no configuration', () => [folder, '-c', 'nowhere.yaml'], 'cannot read the configuration nowhere.yaml'],
    [
      '--bytes with keys that are made',
      () => [folder, '-c', config, '--bytes', '--throw-away-keys'],
      '--bytes compares signatures too, which no other key can make: it cannot be used with --throw-away-keys',
    ],
    ['--as alone', () => [folder, '-c', config, '--as', 'federation'], '--as has no effect without --import'],
    ['--import alone', () => ['a.ndjson', '-c', config, '--import', 'b'], '--import takes --as <ingress>'],
    [
      'an unknown ingress',
      () => ['a.ndjson', '-c', config, '--import', `${CAPTURES}choria-v1.ndjson`, '--as', 'x'],
      'the configuration has no ingress x',
    ],
  ])('%s is wrong usage', async (_, args, sentence) => {
    mkdirSync(`${world.folder}/empty`, { recursive: true });
    const { status, stderr } = await replay(...args());
    expect(status).toBe(2);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('bug');
  });

  test('XML holds what XML can hold', () => {
    const text = junitText([unusable('a<b>&"\u0000.ndjson', 'no\u001b & <such> \ud800')]);
    checkXml(text);
    expect(text).toContain('name="a&lt;b&gt;&amp;&quot;\ufffd.ndjson"');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML cannot hold
    expect(text).not.toMatch(/[\u0000-\u0008\u001b\ud800]/);
  });
});
