import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { KeyFiles } from '../../../config/key-files.ts';
import { openKeyFolder } from '../key-folder.ts';

/** With whose name and key a mapped caller's requests leave. */
export interface Signer {
  readonly callerId: string;
  readonly key: KeyObject;
}

export interface Signers {
  /** In whose name all requests leave, where it is one for all. */
  readonly shared?: string;
  /** @throws Rejection `no_signing_key` */
  signerFor(caller: string): Signer;
}

/** One identity for everybody: the daemons see the bridge, its log knows who was behind it. */
export const sharedSigner = (signer: Signer): Signers => ({
  shared: signer.callerId,
  signerFor: () => signer,
});

/** Each caller's own private key, `<directory>/<name>.pem` for `cert=<name>`. */
export const keyFolder = (directory: string, clock: () => number, files?: KeyFiles): Signers => {
  const keyFor = openKeyFolder({
    directory,
    called: 'the key folder',
    code: 'no_signing_key',
    parse: createPrivateKey,
    clock,
    files,
  });
  return { signerFor: (caller) => ({ callerId: caller, key: keyFor(caller) }) };
};
