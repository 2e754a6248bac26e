import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSerializer } from '../../../src/adapters/mcollective/wire/serializer.ts';
import { BUILT_IN } from '../../../src/adapters/registry.ts';
import { createApp } from '../../../src/app/app.ts';
import type { CassetteEntry, CassetteMessage } from '../../../src/capture/file/format.ts';
import {
  bodyFields,
  bodyOf,
  formatEntry,
  formatHeader,
  isNodes,
  parseEntry,
  parseHeader,
} from '../../../src/capture/file/format.ts';
import { changesBetween } from '../../../src/capture/replay/compare.ts';
import { ComparedMessage } from '../../../src/capture/replay/compared-message.ts';
import { replayCassette } from '../../../src/capture/replay/replay.ts';
import { replyPathsOf } from '../../../src/capture/replay/reply-paths.ts';
import { signatureCheck } from '../../../src/capture/replay/signature-check.ts';
import { DEFAULT_RUBY_LIMITS } from '../../../src/codec/ruby/index.ts';
import { loadConfig } from '../../../src/setup/load.ts';
import { keyPair, makeAuthority } from '../../support/pki.ts';
import { requestsOf } from './requests.ts';
import { linesIn, makeWorld, type World } from './world.ts';

let world: World;
let config: string;
/** A federation's requests to legacy nodes, and legacy clients' to Choria nodes. */
let federated: string;
let legacy: string;

beforeAll(async () => {
  world = makeWorld();
  config = world.config();
  federated = await world.record(
    config,
    await requestsOf('choria-v1-federated.ndjson', 'federation', config),
    'federated',
  );
  legacy = await world.record(config, await requestsOf('legacy-marshal.ndjson', 'clients', config), 'legacy');
});

afterAll(() => world.end());

const entriesIn = (file: string): CassetteEntry[] =>
  linesIn(file)
    .slice(1)
    .map(parseEntry)
    .flatMap((line) => (isNodes(line) ? [] : [line]));

const messagesIn = (file: string): CassetteMessage[] =>
  entriesIn(file).flatMap((entry) => ('rejected' in entry ? [] : [entry]));

let copies = 0;
/** A copy of a cassette with its lines after the first changed. */
const edited = (file: string, change: (entries: CassetteEntry[]) => CassetteEntry[]): string => {
  const copy = `${world.folder}/copy-${++copies}.cassette.ndjson`;
  const header = linesIn(file)[0] ?? '';
  writeFileSync(copy, `${header}\n${change(entriesIn(file)).map(formatEntry).join('')}`);
  return copy;
};

const paths = (result: Awaited<ReturnType<World['replay']>>): readonly string[] => [
  ...new Set(result.differences.flatMap(({ changes }) => changes.map(({ path }) => path))),
];

test('the cassettes have something in every direction', () => {
  const replyPaths = (file: string) => [
    ...new Set(messagesIn(file).map(({ link, dir }) => `${link} ${dir}`)),
  ];
  expect(replyPaths(federated)).toEqual(['federation in', 'legacy out', 'legacy in', 'federation out']);
  expect(replyPaths(legacy)).toEqual(['clients in', 'choria out', 'choria in', 'clients out']);
});

describe('the same configuration', () => {
  test('gives the same, in each byte', async () => {
    for (const file of [federated, legacy]) {
      const result = await world.replay(file, config, { bytes: true });
      expect(result.differences).toEqual([]);
      expect(result).toMatchObject({ outcome: 'same', notes: [], updated: false });
      const recorded = entriesIn(file).filter((entry) => 'rejected' in entry || entry.dir === 'out');
      expect(result.same).toBe(recorded.length);
      expect(result.same).toBeGreaterThan(10);
    }
  });

  test('gives the same whatever the order of what was recorded', async () => {
    for (const file of [federated, legacy]) {
      // Each message goes behind the one after it, unless that came in: within a moment all orders are as good.
      const shuffled = edited(file, (entries) => {
        const out = entries.map((entry, i) => ({
          entry,
          i,
          isIn: !('rejected' in entry) && entry.dir === 'in',
        }));
        for (let i = 0; i + 1 < out.length; i++) {
          const [a, b] = [out[i], out[i + 1]];
          if (a !== undefined && b !== undefined && !a.isIn && !b.isIn) [out[i], out[i + 1]] = [b, a];
        }
        let at = 0;
        return out.map(({ entry }) => {
          at = Math.max(at, entry.at);
          return { ...entry, at };
        });
      });
      expect(await world.replay(shuffled, config)).toMatchObject({ outcome: 'same' });
    }
  });
});

describe('another cluster key', () => {
  test('gives the same, because replies go where the replay’s own requests say', async () => {
    const other = world.config({ clusterKey: 'ffffffffffffffffffffffffffffffff' });
    for (const file of [federated, legacy]) {
      const result = await world.replay(file, other);
      expect(result.differences).toEqual([]);
      expect(result.outcome).toBe('same');
    }
  });

  test('is a difference in bytes', async () => {
    const other = world.config({ clusterKey: 'ffffffffffffffffffffffffffffffff' });
    const result = await world.replay(federated, other, { bytes: true });
    expect(result.outcome).toBe('different');
    expect(paths(result)).toEqual(['reply_to']);
  });
});

test('another server of the brokers is in a trail, but means the same', async () => {
  const other = world.config({ server: 'activemq2' });
  expect(await world.replay(federated, other)).toMatchObject({ outcome: 'same' });
  expect(paths(await world.replay(federated, other, { bytes: true }))).toContainEqual(
    expect.stringMatching(/^body, byte \d+$/),
  );
});

describe('a change of the configuration is shown where it shows', () => {
  test('an identity rule', async () => {
    const result = await world.replay(federated, world.config({ rule: 'cert=bob' }));
    expect(result.outcome).toBe('different');
    const changes = result.differences.flatMap((it) => it.changes);
    expect(changes).toContainEqual({
      path: 'body.message.:callerid',
      recorded: '"cert=alice"',
      replayed: '"cert=bob"',
    });
    // Replies come home all the same.
    expect(result.differences.every(({ lane }) => lane === 'egress legacy')).toBe(true);
  });

  test('the serializer', async () => {
    const result = await world.replay(federated, world.config({ serializer: 'yaml' }));
    expect(result.outcome).toBe('different');
    expect(paths(result)).toContain('body.serializer');
    const change = result.differences
      .flatMap((it) => it.changes)
      .find(({ path }) => path === 'body.serializer');
    expect(change).toMatchObject({ recorded: 'marshal', replayed: 'yaml' });
  });

  test('who sends it', async () => {
    const result = await world.replay(federated, world.config({ identity: 'other.example.net' }));
    // The instance is called as its host is, and is in trails.
    expect(paths(result)).toEqual([
      'headers.mc_sender',
      'body.message.:senderid',
      'body.headers.seen-by[1][1]',
      'body.headers.seen-by[3][1]',
    ]);
  });
});

const marshal = createSerializer('marshal', DEFAULT_RUBY_LIMITS);

describe('a change of what was recorded is shown where it is', () => {
  const firstOut = (file: string, link: string, wanted: (text: string) => boolean): number =>
    entriesIn(file).findIndex(
      (entry) =>
        !('rejected' in entry) &&
        entry.dir === 'out' &&
        entry.link === link &&
        wanted(bodyOf(entry).toString('latin1')),
    );

  const withBody = (file: string, at: number, change: (body: string) => string): string =>
    edited(file, (entries) =>
      entries.map((entry, i) => {
        if (i !== at || 'rejected' in entry) return entry;
        const body = Buffer.from(change(bodyOf(entry).toString('latin1')), 'latin1');
        const { text: _text, base64: _base64, ...rest } = entry;
        return { ...rest, base64: body.toString('base64') };
      }),
    );

  test('a value, and its type', async () => {
    const at = firstOut(legacy, 'clients', (body) => body.includes('pong') && !body.includes('discovery'));
    expect(at).toBeGreaterThan(-1);
    const changed = withBody(legacy, at, (body) => body.replace('sch\xc3\xb6n', 'schoen'));
    const result = await world.replay(changed, config);
    expect(result.differences).toHaveLength(1);
    expect(result.differences[0]).toMatchObject({ kind: 'changed', lane: 'ingress clients', line: at + 2 });
    expect(result.differences[0]?.changes).toEqual([
      { path: 'body.message.:body.message.:data.:text', recorded: '"schoen"', replayed: '"schön"' },
    ]);
  });

  test('a key that is a symbol is no string', async () => {
    const at = firstOut(legacy, 'clients', (body) => body.includes('flag'));
    const entry = entriesIn(legacy)[at];
    if (entry === undefined || 'rejected' in entry) throw new Error('no reply');
    const body = marshal.decode(bodyOf(entry));
    expect(body).toBeDefined();
    // `:\tflag` is a symbol of four characters, `I"\tflag\x06:\x06ET` were a string.
    const changed = withBody(legacy, at, (text) => text.replace(':\tflag', ':\tflog'));
    const result = await world.replay(changed, config);
    expect(paths(result)).toEqual([
      'body.message.:body.message.:data.:flog',
      'body.message.:body.message.:data.:flag',
    ]);
  });

  test('one that did not come, and one that was not recorded', async () => {
    const at = firstOut(federated, 'federation', () => true);
    const without = edited(federated, (entries) => entries.filter((_, i) => i !== at));
    const extra = await world.replay(without, config);
    expect(extra.differences).toMatchObject([{ kind: 'extra', lane: 'ingress federation', changes: [] }]);
    const twice = edited(federated, (entries) =>
      entries.flatMap((entry, i) => (i === at ? [entry, entry] : [entry])),
    );
    const missing = await world.replay(twice, config);
    expect(missing.differences).toMatchObject([{ kind: 'missing', line: at + 3, changes: [] }]);
  });

  test('a rejection', async () => {
    const index = entriesIn(federated).findIndex((entry) => !('rejected' in entry) && entry.dir === 'in');
    const broken = edited(federated, (entries) =>
      entries.map((entry, i) =>
        i !== index || 'rejected' in entry ? entry : { ...entry, text: (entry.text ?? '').slice(0, 40) },
      ),
    );
    const result = await world.replay(broken, config);
    expect(result.differences.filter(({ lane }) => lane === 'rejections')).toMatchObject([
      { kind: 'extra', line: index + 2 },
    ]);
    expect(result.differences.some(({ kind }) => kind === 'missing')).toBe(true);
    // Accepted, it is part of what is expected.
    expect((await world.replay(broken, config, { update: true })).updated).toBe(true);
    expect(
      entriesIn(broken).some((entry) => 'rejected' in entry && entry.rejected.code === 'malformed_json'),
    ).toBe(true);
    expect(await world.replay(broken, config, { bytes: true })).toMatchObject({ outcome: 'same' });
    const other = edited(broken, (entries) =>
      entries.map((entry) =>
        'rejected' in entry && entry.rejected.code === 'malformed_json'
          ? { ...entry, rejected: { ...entry.rejected, code: 'expired' } }
          : entry,
      ),
    );
    expect((await world.replay(other, config)).outcome).toBe('different');
  });
});

describe('a signature', () => {
  const firstOf = (file: string, link: string): CassetteMessage => {
    const found = messagesIn(file).find((it) => it.link === link && it.dir === 'out');
    if (found === undefined) throw new Error(`nothing was sent on ${link}`);
    return found;
  };
  const place = { line: 2, turn: 1, replyPaths: replyPathsOf(BUILT_IN) };
  const LINE = /[A-Za-z0-9+/]{59}(?=[A-Za-z0-9+/]\n)/;

  test.each<[string, () => CassetteMessage]>([
    ['of a reply', () => firstOf(legacy, 'clients')],
    ['of a request', () => firstOf(federated, 'legacy')],
  ])('%s that is not valid is a difference, though the message says the same', (_, message) => {
    const recorded = message();
    const { text: _text, base64: _base64, ...rest } = recorded;
    const body = bodyOf(recorded).toString('latin1');
    const forged = body.replace(LINE, (line) => [...line].reverse().join(''));
    const replayed = new ComparedMessage({ ...rest, ...bodyFields(Buffer.from(forged, 'latin1')) }, place);
    const check = signatureCheck(loadConfig(config, {}, BUILT_IN).config);
    expect(changesBetween(new ComparedMessage(recorded, place).normalized, replayed.normalized)).toEqual([]);
    expect(check(new ComparedMessage(recorded, place), new ComparedMessage(recorded, place))).toEqual([]);
    expect(check(new ComparedMessage(recorded, place), replayed)).toMatchObject([
      { path: 'body (signature)', recorded: 'valid', replayed: expect.stringMatching(/^invalid: /) },
    ]);
  });
});

describe('--update', () => {
  test('rewrites what differs, with ways home of its own, and leaves the rest alone', async () => {
    const other = world.config({ clusterKey: 'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', rule: 'cert=bob' });
    const copy = `${world.folder}/updated.cassette.ndjson`;
    copyFileSync(federated, copy);
    expect(await world.replay(copy, other, { update: true })).toMatchObject({
      outcome: 'different',
      updated: true,
    });
    expect(await world.replay(copy, other, { bytes: true })).toMatchObject({ outcome: 'same' });
    const before = readFileSync(copy, 'utf8');
    expect(await world.replay(copy, other, { update: true })).toMatchObject({
      outcome: 'same',
      updated: false,
    });
    expect(readFileSync(copy, 'utf8')).toBe(before);
    expect(messagesIn(copy).length).toBe(messagesIn(federated).length);
  });
});

describe('keys that cannot be those of the recording', () => {
  test('make the cassette unusable, and the fingerprints say why', async () => {
    const other = world.config({ ca: makeAuthority('another').certificate });
    const result = await world.replay(federated, other);
    expect(result.outcome).toBe('unusable');
    expect(result.reason).toMatch(
      /^none of the \d+ messages that came by ingress federation can be verified/,
    );
    expect(result.reason).toMatch(
      /ingresses\.federation\.callers\.ca: the cassette has sha256:\w{64}, this configuration sha256:/,
    );
    // And nothing is rewritten with nothing.
    const before = readFileSync(federated, 'utf8');
    expect((await world.replay(federated, other, { update: true })).updated).toBe(false);
    expect(readFileSync(federated, 'utf8')).toBe(before);
  });

  test('of replies, likewise', async () => {
    const result = await world.replay(federated, world.config({ serverKey: keyPair('another server') }));
    expect(result.outcome).toBe('unusable');
    expect(result.reason).toContain('egresses.legacy.server_public_key: ');
  });

  test('do not matter where the cassette brings its own', async () => {
    const other = world.config({
      ca: makeAuthority('another').certificate,
      serverKey: keyPair('another server'),
    });
    const [first = '', ...rest] = linesIn(federated);
    const trusting = `${world.folder}/trusting.cassette.ndjson`;
    const ca = readFileSync(
      new URL('../../../fixtures/captures/keys/choria/ca.pem', import.meta.url),
      'utf8',
    );
    const trust = {
      ingresses: { federation: { ca } },
      egresses: { legacy: { server_public_key: [keyPair('replay server').publicKey] } },
    };
    writeFileSync(trusting, `${formatHeader({ ...parseHeader(first), trust })}${rest.join('\n')}\n`);
    expect(await world.replay(trusting, other)).toMatchObject({ outcome: 'same', differences: [] });
  });
});

test('says now and then how many messages it has fed', async () => {
  const [first] = entriesIn(federated);
  const many = edited(federated, () => (first === undefined ? [] : Array(200).fill(first)));
  const told = new Set<number>();
  await replayCassette(many, loadConfig(config, {}, BUILT_IN), {
    version: '0',
    createApp,
    onFed: (fed) => told.add(fed),
  });
  expect([...told]).toEqual([64, 128, 192]);
});

test('what no message comes in by proves nothing, and is unusable', async () => {
  const nothing = {
    outcome: 'unusable',
    reason: expect.stringContaining('no message that comes in'),
    fed: 0,
  };
  expect(
    await world.replay(
      edited(federated, () => []),
      config,
    ),
  ).toMatchObject(nothing);
  const sent = edited(federated, (all) => all.filter((it) => 'rejected' in it || it.dir === 'out'));
  expect(await world.replay(sent, config, { update: true })).toMatchObject({ ...nothing, updated: false });
});

test('a link that the configuration does not have is told with its line', async () => {
  const renamed = edited(federated, (entries) =>
    entries.map((entry, i) => (i === 1 && !('rejected' in entry) ? { ...entry, link: 'elsewhere' } : entry)),
  );
  await expect(world.replay(renamed, config)).rejects.toThrow(
    /copy-\d+\.cassette\.ndjson:3: the configuration has no egress "elsewhere"; it has legacy, choria/,
  );
});
