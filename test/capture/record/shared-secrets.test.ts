import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistry } from '../../../src/adapters/registry.ts';
import { createApp } from '../../../src/app/app.ts';
import {
  bodyOf,
  type CassetteHeader,
  type CassetteMessage,
  formatEntry,
  formatHeader,
  isMessage,
  isRejected,
  parseEntry,
  parseHeader,
} from '../../../src/capture/file/format.ts';
import { fingerprintsOf } from '../../../src/capture/file/keys.ts';
import { parsePath } from '../../../src/capture/redact/paths.ts';
import { createRedactor } from '../../../src/capture/redact/redactor.ts';
import { replayCassette } from '../../../src/capture/replay/replay.ts';
import type { Value } from '../../../src/envelope/value.ts';
import { parseConfig } from '../../../src/setup/load.ts';
import type { LoadedConfig } from '../../../src/setup/types.ts';
import { keyPair } from '../../support/pki.ts';
import { PROVED, REQUESTS } from './proved-adapters.ts';
import { prove, REPLY, REQUEST, verify } from './proved-wire.ts';

const NOW = 1_700_000_000_000;
const SECRET = 'a secret that both ends of the network have';
const PASSWORD = 'hunter2 & co';
const ID = 'a'.repeat(32);
const FORGED = 'b'.repeat(32);
const CONFIG = `
cluster: production
cluster_key: only for tests, thirty-two bytes or more
identity: bridge.example.net
ingresses: { in: { type: proved, secret_file: secret } }
egresses: { out: { type: proved, secret_file: secret } }
routes: [{ from: in, to: out, collectives: [proved], identities: [{ regex: 'proved=(.+)', to: proved=$1 }] }]
`;
const HEADER: CassetteHeader = {
  cassette: 1,
  created: new Date(NOW).toISOString(),
  by: 'a test',
  config: { routes: [] },
  bridge: { identity: 'bridge.example.net', cluster: 'production', instance: '1' },
  clock: NOW,
  seed: 'ab',
  keys: {},
  nodes: {},
  rejections: true,
};

let folder: string;
let loaded: LoadedConfig;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-proved-'));
  writeFileSync(join(folder, 'secret'), `${SECRET}\n`);
  writeFileSync(join(folder, 'bridge.yaml'), CONFIG);
  loaded = parseConfig(CONFIG, join(folder, 'bridge.yaml'), {}, createRegistry(PROVED));
});

afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const linesOf = (name: string) => {
  const [first = '', ...rest] = readFileSync(at(name), 'utf8').trimEnd().split('\n');
  return { header: parseHeader(first), entries: rest.map(parseEntry) };
};
const messagesOf = (name: string): readonly CassetteMessage[] => linesOf(name).entries.filter(isMessage);
const write = (name: string, header: CassetteHeader, entries: readonly Parameters<typeof formatEntry>[0][]) =>
  writeFileSync(at(name), [formatHeader(header), ...entries.map(formatEntry)].join(''));
const replay = (name: string, update = false) =>
  replayCassette(at(name), loaded, { version: 'test', createApp, update });

const request = (id: string, secret: string): CassetteMessage => ({
  ...{ at: NOW, link: 'in', side: 'ingress', dir: 'in', destination: REQUESTS, reply_to: 'client' },
  text: prove(
    new Map<string, Value>([
      ['protocol', REQUEST],
      ['id', id],
      ['caller', 'proved=alice'],
      ['action', 'echo'],
      ['data', PASSWORD],
    ]),
    secret,
  ).toString(),
});

/** One request and its reply, as a bridge has taken and sent them, and a request that it refused. */
const record = async (name: string): Promise<void> => {
  const asked = [request(ID, SECRET), request(FORGED, 'another secret')];
  write(name, HEADER, asked);
  await replay(name, true);
  const out = messagesOf(name).find(({ side, dir }) => side === 'egress' && dir === 'out');
  const reply = new Map<string, Value>([
    ['protocol', REPLY],
    ['id', ID],
    ['sender', 'n1.example.net'],
    ['statuscode', 0],
    ['data', PASSWORD],
  ]);
  const answer: CassetteMessage = {
    ...{ at: NOW + 10, link: 'out', side: 'egress', dir: 'in', destination: out?.reply_to ?? '' },
    text: prove(reply, SECRET).toString(),
  };
  const { header, entries } = linesOf(name);
  write(name, header, [...entries, answer]);
  await replay(name, true);
};

describe('a recording whose messages a shared secret proves', () => {
  it('is proved anew when it is redacted, and replays the same without the secret', async () => {
    await record('whole');
    expect(linesOf('whole').entries.map((it) => (isRejected(it) ? it.rejected.code : 'message'))).toEqual([
      'message',
      'message',
      'message',
      'invalid_signature',
      'message',
      'message',
    ]);
    const redactor = createRedactor(loaded, { paths: [parsePath('data')], allTexts: false });
    const clean = linesOf('whole').entries.flatMap((it) =>
      isMessage(it) || isRejected(it) ? [redactor.redact(it, () => undefined) ?? []].flat() : [],
    );
    const trust = redactor.trust();
    write('clean', { ...HEADER, trust }, clean);

    const text = readFileSync(at('clean'), 'utf8');
    expect(text).not.toContain(PASSWORD);
    expect(text).not.toContain(SECRET);
    const standIn = trust.ingresses?.['in']?.secrets?.['secret_file'] ?? '';
    expect(standIn).toMatch(/^[0-9a-f]{64}$/);
    expect(trust.egresses?.['out']?.secrets).toEqual({ secret_file: standIn });
    const [good, forged] = messagesOf('clean').filter(({ link, dir }) => link === 'in' && dir === 'in');
    if (good === undefined || forged === undefined) throw new Error('a request is missing');
    expect(verify(bodyOf(good), REQUEST, standIn).get('data')).toBe('redacted-1');
    expect(() => verify(bodyOf(forged), REQUEST, standIn)).toThrow('its mac does not fit');

    rmSync(at('secret'));
    const result = await replay('clean');
    writeFileSync(at('secret'), `${SECRET}\n`);
    expect(result.differences).toEqual([]);
    expect(result).toMatchObject({ outcome: 'same', fed: 3, refused: { invalid_signature: 1 } });
  });

  it('has no fingerprint of it in its header, even where it has the form of a key: guesses could be tried out', () => {
    writeFileSync(at('secret'), keyPair('a shared secret').privateKey);
    expect(fingerprintsOf(loaded)).toEqual({});
  });
});
