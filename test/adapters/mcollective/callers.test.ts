import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callerFolder } from '../../../src/adapters/mcollective/ingress/callers.ts';
import { keyPair, makeAuthority } from '../../support/pki.ts';
import { aliceKeys } from '../world.ts';

describe('a folder of clients’ public keys', () => {
  let folder: string;
  const clock = { now: 1_000_000 };
  const callers = () => callerFolder(folder, () => clock.now);
  const put = (name: string, content: string, modified = 1): void => {
    writeFileSync(join(folder, name), content);
    utimesSync(join(folder, name), modified, modified);
  };
  const refused = (message: unknown) => expect.objectContaining({ code: 'caller_not_allowed', message });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcbridge-callers-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives each caller the public key of its name', () => {
    put('alice.pem', keyPair('legacy alice').publicKey);
    expect(callers().keyFor('cert=alice').equals(aliceKeys.publicKey)).toBe(true);
  });

  it('takes a certificate for the key in it', () => {
    const keys = keyPair('legacy alice');
    put('alice.pem', makeAuthority('legacy CA').issue({ commonName: 'alice', keys }).certificate);
    expect(callers().keyFor('cert=alice').equals(aliceKeys.publicKey)).toBe(true);
  });

  it('refuses a caller that has none, and says which file would let it in', () => {
    expect(() => callers().keyFor('cert=bob')).toThrow(
      refused(expect.stringContaining('there is no key bob.pem for cert=bob')),
    );
  });

  it.each(['cert=../alice', 'cert=..', 'uid=0', 'choria=alice'])('refuses the caller %s', (caller) => {
    put('alice.pem', keyPair('legacy alice').publicKey);
    expect(() => callers().keyFor(caller)).toThrow(refused(expect.stringContaining('cert=<name>')));
  });

  it('refuses what is no RSA key, which no client could sign with', () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    put('alice.pem', String(publicKey.export({ type: 'spki', format: 'pem' })));
    put('bob.pem', 'no key at all');
    for (const caller of ['cert=alice', 'cert=bob'])
      expect(() => callers().keyFor(caller)).toThrow(refused(expect.stringContaining('cannot be used')));
  });

  it('lets a new caller in at once, and shuts out one whose key is gone within five seconds', () => {
    const folderCallers = callers();
    expect(() => folderCallers.keyFor('cert=alice')).toThrow(refused(expect.anything()));
    put('alice.pem', keyPair('legacy alice').publicKey);
    expect(folderCallers.keyFor('cert=alice').equals(aliceKeys.publicKey)).toBe(true);
    rmSync(join(folder, 'alice.pem'));
    clock.now += 5_000;
    expect(() => folderCallers.keyFor('cert=alice')).toThrow(refused(expect.anything()));
  });

  it('takes up a key that has been replaced, also through a link to another file', () => {
    put('one.pem', keyPair('legacy alice').publicKey, 1);
    put('two.pem', keyPair('legacy server').publicKey, 2);
    symlinkSync('one.pem', join(folder, 'alice.pem'));
    const folderCallers = callers();
    expect(folderCallers.keyFor('cert=alice').equals(aliceKeys.publicKey)).toBe(true);
    rmSync(join(folder, 'alice.pem'));
    symlinkSync('two.pem', join(folder, 'alice.pem'));
    clock.now += 5_000;
    expect(folderCallers.keyFor('cert=alice').equals(aliceKeys.publicKey)).toBe(false);
  });

  // As `cp -p`, rsync and the layers of an image leave it.
  it('takes up a key that has been replaced by one of the same time and size', () => {
    put('alice.pem', keyPair('legacy alice').publicKey);
    const folderCallers = callers();
    expect(folderCallers.keyFor('cert=alice').equals(aliceKeys.publicKey)).toBe(true);
    put('alice.pem', keyPair('legacy server').publicKey);
    clock.now += 5_000;
    expect(folderCallers.keyFor('cert=alice').equals(aliceKeys.publicKey)).toBe(false);
  });

  it('takes up the keys of a folder that has been swapped for another, of the same times', () => {
    for (const [version, keys] of [
      ['v1', 'legacy alice'],
      ['v2', 'legacy server'],
    ] as const) {
      mkdirSync(join(folder, version));
      put(`${version}/alice.pem`, keyPair(keys).publicKey);
    }
    const current = join(folder, 'current');
    symlinkSync('v1', current);
    const folderCallers = callerFolder(current, () => clock.now);
    expect(folderCallers.keyFor('cert=alice').equals(aliceKeys.publicKey)).toBe(true);
    rmSync(current);
    symlinkSync('v2', current);
    clock.now += 5_000;
    expect(folderCallers.keyFor('cert=alice').equals(aliceKeys.publicKey)).toBe(false);
  });
});
