import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUILT_IN } from '../../../src/adapters/registry.ts';
import { headerFor, headersFor, routesInWords } from '../../../src/capture/file/header.ts';
import { loadConfig } from '../../../src/setup/load.ts';
import { CLUSTER_KEY, MINIMAL, minimalWith } from '../../config/sample.ts';
import { keyPair, makeAuthority } from '../../support/pki.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-header-test-'));
  writeFileSync(join(folder, 'ca.pem'), makeAuthority('header').certificate);
  writeFileSync(join(folder, 'server.pem'), keyPair('header server').publicKey);
  mkdirSync(join(folder, 'keys'));
  writeFileSync(join(folder, 'keys', 'alice.pem'), keyPair('header alice').privateKey);
});

afterAll(() => rmSync(folder, { recursive: true }));

const loaded = (text: string) => {
  const file = join(folder, 'bridge.yaml');
  writeFileSync(file, text);
  return loadConfig(file, {}, BUILT_IN);
};

describe('what a header says of the configuration', () => {
  test('is each route in words', () => {
    const { config } = loaded(MINIMAL);
    expect(routesInWords(config)).toEqual([
      'federation (choria-federation) → legacy (mcollective-stomp, marshal): mcollective; 1 identity rule',
    ]);
  });

  test('are fingerprints of public keys, and of the public halves of others', () => {
    const { keys } = headerFor(loaded(MINIMAL), { version: '0', clock: 1 });
    expect(Object.keys(keys)).toEqual([
      'ingresses.federation.callers.ca',
      'egresses.legacy.signing.keys_dir/alice.pem',
      'egresses.legacy.server_public_key',
    ]);
    // Of a private key as of its public half: the key itself is not in it.
    const other = join(folder, 'keys', 'public.pem');
    writeFileSync(other, keyPair('header alice').publicKey);
    const again = headerFor(loaded(MINIMAL), { version: '0', clock: 1 }).keys;
    expect(again['egresses.legacy.signing.keys_dir/public.pem']).toBe(
      keys['egresses.legacy.signing.keys_dir/alice.pem'],
    );
    rmSync(other);
  });

  test('tells nothing of the cluster key, which whoever has a cassette could try to guess', () => {
    const two = [MINIMAL, minimalWith(CLUSTER_KEY, `cluster_key: ${'z'.repeat(32)}\n`)].map((text) => {
      const {
        seed: _seed,
        created: _created,
        config,
        ...rest
      } = headerFor(loaded(text), {
        version: '0',
        clock: 1,
      });
      return { ...rest, routes: config.routes };
    });
    expect(two[0]).toEqual(two[1]);
  });
});

test('the headers of one recording have one seed, and fingerprints of the keys with which it began', () => {
  const key = join(folder, 'keys', 'alice.pem');
  const kept = join(folder, 'kept.pem');
  copyFileSync(key, kept);
  const headers = headersFor(loaded(MINIMAL), { version: '0', rejections: true });
  const first = headers({ clock: 1 });
  writeFileSync(key, keyPair('header bob').privateKey);
  const second = headers({ clock: 2, nodes: { legacy: { mcollective: ['node1'] } } });
  copyFileSync(kept, key);
  expect(second).toEqual({
    ...first,
    created: second.created,
    clock: 2,
    nodes: { legacy: { mcollective: ['node1'] } },
  });
  expect(first).toMatchObject({ rejections: true, nodes: {} });
});
