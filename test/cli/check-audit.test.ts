import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { makeKey } from '../audit/world.ts';
import { type CheckWorld, makeCheckWorld } from './check-world.ts';

let world: CheckWorld | undefined;
afterEach(() => world?.end());

const said = async (settings: string, prepare: (folder: string) => void = () => undefined) => {
  const made = makeCheckWorld((config) => `${config}${settings}\n`);
  world = made;
  prepare(made.folder);
  return (await made.findings())
    .map(({ status, path, message }) => `${status} ${path}: ${message}`.replaceAll(made.folder, '.'))
    .filter((line) => / audit/.test(line));
};

const key = makeKey();
const write =
  (name: string, content: string | Buffer, mode = 0o600) =>
  (folder: string) => {
    writeFileSync(join(folder, name), content);
    chmodSync(join(folder, name), mode);
  };

test.each<[string, string, readonly string[], ((folder: string) => void)?]>([
  [
    'a key and a file that can be made',
    'audit: { key_file: audit.pem, sinks: [{ file: audit.log }] }',
    [
      `ok audit.key_file: ./audit.pem holds the Ed25519 key ${key.verifier.key}`,
      'ok audit.sinks[0].file: ./audit.log can be made',
    ],
    write('audit.pem', key.secret),
  ],
  [
    'heads that nobody signs',
    'audit: { sinks: [{ nats: audit }] }',
    ['warning audit: heads are not signed: whoever can write to the files can make another chain'],
  ],
  [
    'a key that everybody can read',
    'audit: { key_file: audit.pem, sinks: [{ nats: audit }] }',
    [
      'warning audit.key_file: ./audit.pem is secret, and everybody on this machine can read it',
      `ok audit.key_file: ./audit.pem holds the Ed25519 key ${key.verifier.key}`,
    ],
    write('audit.pem', key.secret, 0o644),
  ],
  [
    'an HMAC key that is too short',
    'audit: { hmac_key_file: short, redact: { user: hmac }, sinks: [{ nats: audit }] }',
    [
      'warning audit: heads are not signed: whoever can write to the files can make another chain',
      'problem audit.hmac_key_file: ./short holds 5 bytes, and it takes at least 32',
    ],
    write('short', 'short'),
  ],
  [
    'a folder that is not there',
    'audit: { key_file: audit.pem, sinks: [{ file: nowhere/audit.log }] }',
    [
      `ok audit.key_file: ./audit.pem holds the Ed25519 key ${key.verifier.key}`,
      'problem audit.sinks[0].file: files cannot be made beside ./nowhere/audit.log: there is no folder ./nowhere',
    ],
    write('audit.pem', key.secret),
  ],
  [
    'a file that others can read',
    'audit: { key_file: audit.log, sinks: [{ file: audit.log }] }',
    [
      `ok audit.key_file: ./audit.log holds the Ed25519 key ${key.verifier.key}`,
      'warning audit.sinks[0].file: others than its owner may read or write ./audit.log',
    ],
    write('audit.log', key.secret, 0o640),
  ],
])('check says of %s', async (_, settings, lines, prepare) => {
  expect(await said(settings, prepare)).toEqual(lines);
});
