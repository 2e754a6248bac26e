import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyFolder, sharedSigner } from '../../../src/adapters/mcollective/egress/signing.ts';
import { keyPair } from '../../support/pki.ts';
import { aliceKeys } from '../world.ts';

const pem = (name: string): string => keyPair(name).privateKey;

describe('a key folder', () => {
  let base: string;
  let folder: string;
  let clock: { now: number };
  const signers = () => keyFolder(folder, () => clock.now);
  const put = (name: string, content: string, modified: number): void => {
    writeFileSync(join(folder, name), content);
    utimesSync(join(folder, name), modified, modified);
  };

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'mcbridge-keys-'));
    folder = mkdtempSync(join(base, 'folder-'));
    clock = { now: 1_000_000 };
  });
  afterEach(() => rmSync(base, { recursive: true }));

  it('gives each caller the key of its own name', () => {
    put('alice.pem', pem('legacy alice'), 1);
    const { callerId, key } = signers().signerFor('cert=alice');
    expect(callerId).toBe('cert=alice');
    expect(key.equals(aliceKeys.privateKey)).toBe(true);
  });

  it('says which file is missing', () => {
    expect(() => signers().signerFor('cert=bob')).toThrow(
      expect.objectContaining({ code: 'no_signing_key', message: expect.stringContaining('bob.pem') }),
    );
  });

  it.each([
    'cert=..',
    'cert=.',
    'cert=../outside',
    'cert=a/../outside',
    'cert=/outside',
    'cert=outside\0',
    'cert=',
  ])('never leaves its folder for a name such as %j', (caller) => {
    writeFileSync(join(base, 'outside.pem'), pem('legacy alice'));
    writeFileSync(join(base, '..pem'), pem('legacy alice'));
    put('.pem', pem('legacy alice'), 1);
    put('...pem', pem('legacy alice'), 1);
    expect(() => signers().signerFor(caller)).toThrow(expect.objectContaining({ code: 'no_signing_key' }));
  });

  it.each(['choria=alice', 'alice', 'xcert=alice', 'CERT=alice'])(
    'has no key for the caller %s',
    (caller) => {
      put('alice.pem', pem('legacy alice'), 1);
      expect(() => signers().signerFor(caller)).toThrow(expect.objectContaining({ code: 'no_signing_key' }));
    },
  );

  it('says that a key cannot be used, but not what is in the file', () => {
    put('alice.pem', 'the secret that is no key', 1);
    expect(() => signers().signerFor('cert=alice')).toThrow(
      expect.objectContaining({ code: 'no_signing_key', message: expect.not.stringContaining('secret') }),
    );
  });

  it('takes up a key that has been replaced, a few seconds later', () => {
    put('alice.pem', pem('legacy alice'), 1);
    const folderSigners = signers();
    expect(folderSigners.signerFor('cert=alice').key.equals(aliceKeys.privateKey)).toBe(true);
    put('alice.pem', pem('legacy server'), 2);
    clock.now += 1_000;
    expect(folderSigners.signerFor('cert=alice').key.equals(aliceKeys.privateKey)).toBe(true);
    clock.now += 5_000;
    expect(folderSigners.signerFor('cert=alice').key.equals(aliceKeys.privateKey)).toBe(false);
  });

  it('forgets a key that has been taken away', () => {
    put('alice.pem', pem('legacy alice'), 1);
    const folderSigners = signers();
    folderSigners.signerFor('cert=alice');
    rmSync(join(folder, 'alice.pem'));
    clock.now += 5_000;
    expect(() => folderSigners.signerFor('cert=alice')).toThrow(
      expect.objectContaining({ code: 'no_signing_key' }),
    );
  });
});

describe('a shared signer', () => {
  it('is the same for everybody', () => {
    const signer = { callerId: 'cert=bridge', key: aliceKeys.privateKey };
    expect(sharedSigner(signer).signerFor('cert=alice')).toBe(signer);
    expect(sharedSigner(signer).signerFor('choria=bob')).toBe(signer);
  });
});
