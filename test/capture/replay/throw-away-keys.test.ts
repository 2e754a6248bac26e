import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { BUILT_IN } from '../../../src/adapters/registry.ts';
import { formatHeader, parseHeader } from '../../../src/capture/file/format.ts';
import { withMadeUpVariables } from '../../../src/capture/replay/placeholder-variables.ts';
import { signersIn } from '../../../src/capture/replay/signers.ts';
import { loadConfig } from '../../../src/setup/load.ts';
import { keyPair } from '../../support/pki.ts';
import { requestsOf } from './requests.ts';
import { linesIn, makeWorld, type World } from './world.ts';

let world: World;
/** The configuration of the recording. */
let config: string;
let federated: string;
let legacy: string;

beforeAll(async () => {
  world = makeWorld();
  config = world.config();
  federated = await world.record(
    config,
    await requestsOf('choria-v1-federated.ndjson', 'federation', config),
  );
  legacy = await world.record(config, await requestsOf('legacy-marshal.ndjson', 'clients', config));
});

afterAll(() => world.end());

const keysOf = (file: string): string => /ca: (\S+)\/ca\.pem/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';

let made = 0;
/** The same configuration where no private key is, as in CI. */
const withoutKeys = (change: (text: string) => string = (text) => text): string => {
  const keys = join(world.folder, `public-${++made}`);
  mkdirSync(keys);
  for (const name of ['ca.pem', 'server.pem', 'bridge.pem'])
    copyFileSync(join(keysOf(config), name), join(keys, name));
  const text = readFileSync(config, 'utf8')
    .replaceAll(keysOf(config), keys)
    .replace(/^cluster_key: .*$/m, 'cluster_key_file: nowhere.key');
  const file = join(world.folder, `public-${made}.yaml`);
  writeFileSync(file, change(text));
  return file;
};

const MADE = [
  'cluster_key_file',
  'egresses.choria.signing.cert',
  'egresses.choria.signing.key',
  'egresses.legacy.signing.keys_dir/alice.pem',
  'egresses.legacy.signing.keys_dir/bob.pem',
  'ingresses.clients.server_private_key',
];

describe('without the private keys', () => {
  test('a replay cannot be made', async () => {
    await expect(world.replay(federated, withoutKeys())).rejects.toThrow('nowhere.key cannot be read');
  });

  test('it comes out the same with keys that are made for it, on both ways and with every reply', async () => {
    const ci = withoutKeys();
    for (const file of [federated, legacy]) {
      const before = await world.replay(file, config);
      const result = await world.replay(file, ci, { throwAwayKeys: true });
      expect(result.differences).toEqual([]);
      expect(result).toMatchObject({ outcome: 'same', same: before.same, fed: before.fed, notes: [] });
      expect(result.madeKeys.toSorted()).toEqual(MADE);
    }
  });

  test('nothing of them is left behind', async () => {
    const temporary = join(world.folder, 'temporary');
    mkdirSync(temporary);
    vi.stubEnv('TMPDIR', temporary);
    try {
      await world.replay(federated, withoutKeys(), { throwAwayKeys: true });
      const broken = `${world.folder}/broken.cassette.ndjson`;
      writeFileSync(broken, `${linesIn(federated)[0]}\nno line\n`);
      await expect(world.replay(broken, withoutKeys(), { throwAwayKeys: true })).rejects.toThrow('broken');
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('a changed rule is shown as with the real ones', async () => {
    const ci = withoutKeys((text) => text.replace('to: cert=$1', 'to: cert=bob'));
    const result = await world.replay(federated, ci, { throwAwayKeys: true });
    expect(result.outcome).toBe('different');
    expect(result.differences.every(({ lane }) => lane === 'egress legacy')).toBe(true);
    expect(result.differences[0]?.changes).toEqual([
      { path: 'body.message.:callerid', recorded: '"cert=alice"', replayed: '"cert=bob"' },
    ]);
  });

  test('a caller who had no key in the recording has none in the replay', async () => {
    const ci = withoutKeys((text) => text.replace('to: cert=$1', 'to: cert=carol'));
    const result = await world.replay(federated, ci, { throwAwayKeys: true });
    // Not unusable: the requests are in the cassette, they only do not come out.
    expect(result.outcome).toBe('different');
    expect(result.differences.map(({ what }) => what)).toContainEqual(
      expect.stringContaining('there is no key carol.pem for cert=carol'),
    );
  });

  test('unless the public half of a key of theirs is there', async () => {
    const ci = withoutKeys((text) => text.replace('to: cert=$1', 'to: cert=carol'));
    const folder = join(keysOf(ci), 'callers');
    mkdirSync(folder);
    writeFileSync(join(folder, 'carol.pem'), keyPair('carol').publicKey);
    const result = await world.replay(federated, ci, { throwAwayKeys: true });
    expect(result.differences.map(({ what }) => what)).not.toContainEqual(expect.stringContaining('no key'));
    expect(result.differences[0]?.changes).toContainEqual(
      expect.objectContaining({ replayed: '"cert=carol"' }),
    );
  });

  test('of a redacted cassette, whose header names no keys, those have one whose names were signed with', async () => {
    expect([...(await signersIn(federated, 'legacy'))]).toEqual(['cert=alice']);
    expect([...(await signersIn(federated, 'choria'))]).toEqual([]);
    const [first = '', ...rest] = linesIn(federated);
    const bare = `${world.folder}/bare.cassette.ndjson`;
    writeFileSync(bare, `${formatHeader({ ...parseHeader(first), keys: {} })}${rest.join('\n')}\n`);
    const result = await world.replay(bare, withoutKeys(), { throwAwayKeys: true });
    expect(result).toMatchObject({ outcome: 'same', differences: [] });
    expect(result.madeKeys).toContain('egresses.legacy.signing.keys_dir/alice.pem');
    expect(result.madeKeys).not.toContain('egresses.legacy.signing.keys_dir/bob.pem');
  });
});

test('keys that are there are used', async () => {
  const ci = withoutKeys();
  cpSync(join(keysOf(config), 'callers'), join(keysOf(ci), 'callers'), { recursive: true });
  rmSync(join(keysOf(ci), 'callers', 'bob.pem'));
  symlinkSync(join(keysOf(config), 'server.key'), join(keysOf(ci), 'server.key'));
  const result = await world.replay(federated, ci, { throwAwayKeys: true });
  expect(result.outcome).toBe('same');
  expect(result.madeKeys.toSorted()).toEqual(MADE.filter((name) => !/alice|server_private_key/.test(name)));
});

test('a key that is there and cannot be used is told, not replaced', async () => {
  const ci = withoutKeys();
  writeFileSync(join(keysOf(ci), 'server.key'), 'garbage');
  await expect(world.replay(legacy, ci, { throwAwayKeys: true })).rejects.toThrow(
    /server\.key is not what it should be/,
  );
});

test.each([
  ['callers', 'ca.pem'],
  ['daemons', 'server.pem'],
])('the public key of %s is needed all the same', async (_, name) => {
  const ci = withoutKeys();
  rmSync(join(keysOf(ci), name));
  await expect(world.replay(federated, ci, { throwAwayKeys: true })).rejects.toThrow(
    `${name} cannot be read`,
  );
});

test('an update keeps what the header says of the keys of the recording', async () => {
  const copy = `${world.folder}/updated-in-ci.cassette.ndjson`;
  copyFileSync(federated, copy);
  const ci = withoutKeys((text) => text.replace('to: cert=$1', 'to: cert=bob'));
  expect(await world.replay(copy, ci, { throwAwayKeys: true, update: true })).toMatchObject({
    updated: true,
  });
  expect(await world.replay(copy, ci, { throwAwayKeys: true })).toMatchObject({ outcome: 'same' });
  expect(parseHeader(linesIn(copy)[0] ?? '').keys).toEqual(parseHeader(linesIn(federated)[0] ?? '').keys);
  // And whoever has the keys finds the same.
  expect(await world.replay(copy, world.config({ rule: 'cert=bob' }))).toMatchObject({ outcome: 'same' });
});

describe('replies whose requests are not in the cassette', () => {
  const without = (name: string, drop: (line: string, i: number) => boolean): string => {
    const file = `${world.folder}/${name}.cassette.ndjson`;
    const [first = '', ...rest] = linesIn(federated);
    writeFileSync(file, `${[first, ...rest.filter((line, i) => !drop(line, i))].join('\n')}\n`);
    return file;
  };

  test('come home with the cluster key of the recording only', async () => {
    const isRequest = (line: string): boolean => /"dir":"in"/.test(line) && /"side":"ingress"/.test(line);
    const isSent = (line: string): boolean => /"dir":"out"/.test(line) && /"side":"egress"/.test(line);
    const replies = without('replies', (line) => isRequest(line) || isSent(line));
    expect(await world.replay(replies, config)).toMatchObject({ outcome: 'same' });
    const result = await world.replay(replies, withoutKeys(), { throwAwayKeys: true });
    expect(result.outcome).toBe('unusable');
    expect(result.reason).toMatch(
      /^none of the \d+ messages that came by egress legacy answers a request of this cassette, and the cluster key/,
    );
  });

  test('are explained where they are some of many', async () => {
    const first = linesIn(federated).findIndex((line) => /"side":"egress","dir":"in"/.test(line));
    const cut = without('cut', (_, i) => i < first - 1);
    const result = await world.replay(cut, withoutKeys(), { throwAwayKeys: true });
    expect(result.outcome).toBe('different');
    expect(result.notes).toContainEqual(
      expect.stringMatching(/^of the \d+ messages that came by egress legacy, \d+ answer no request of this/),
    );
  });
});

describe('variables that are not set', () => {
  /** A configuration with further keys of its legacy egress. */
  const text = (...keys: readonly string[]): string =>
    withoutKeys((yaml) =>
      yaml
        .replace(/^cluster_key_file: .*$/m, `cluster_key: \${CLUSTER_KEY}\nhttp: { listen: "\${LISTEN}" }`)
        .replaceAll(/^( *)servers: .*(nats|stomp).*$/gm, `$1servers: ["\${$2_server}"]`)
        .replace(/^ {4}serializer:/m, `${keys.map((key) => `    ${key}\n`).join('')}    serializer:`),
    );

  test('get a value where only connections need them', () => {
    const file = text(`user: \${USER_NAME}`, `password: "\${PASSWORD}"`);
    expect(() => loadConfig(file, {}, BUILT_IN)).toThrow('CLUSTER_KEY is not set');
    const env = withMadeUpVariables(file, { PASSWORD: 'given' }, BUILT_IN);
    expect(env['PASSWORD']).toBe('given');
    expect(env['CLUSTER_KEY']).toMatch(/^[0-9a-f]{64}$/);
    expect(() => loadConfig(file, env, BUILT_IN)).not.toThrow();
  });

  test('are still missing elsewhere', () => {
    const file = text('user: me', `password: \${PASSWORD}`, `timeout_of: \${PASSWORD}`);
    expect(() => loadConfig(file, withMadeUpVariables(file, {}, BUILT_IN), BUILT_IN)).toThrow(
      'PASSWORD is not set',
    );
  });

  test('are none in what is no configuration', () => {
    const file = text();
    for (const wrong of ['ingresses: [', 'a: &a [*a, { b: *a }]']) {
      writeFileSync(file, wrong);
      expect(withMadeUpVariables(file, { A: 'b' }, BUILT_IN)).toEqual({ A: 'b' });
    }
  });
});
