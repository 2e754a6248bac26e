import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isCallerId } from '../../envelope/check.ts';
import { Rejection } from '../../envelope/rejection.ts';

/** With whose name and key a mapped caller's requests leave. */
export interface Signer {
  readonly callerId: string;
  readonly key: KeyObject;
}

export interface Signers {
  /** @throws Rejection `no_signing_key` */
  signerFor(caller: string): Signer;
}

/** One identity for everybody: the daemons see the bridge, its log knows who was behind it. */
export const sharedSigner = (signer: Signer): Signers => ({ signerFor: () => signer });

/** How long a key file is believed unchanged, in ms. */
const RECHECK = 5_000;

/**
 * Each caller's own key, `<directory>/<name>.pem` for `cert=<name>`; read when first needed and again when it
 * changes.
 */
export const keyFolder = (directory: string, clock: () => number): Signers => {
  const known = new Map<string, { readonly signer: Signer; readonly modified: number; checked: number }>();
  return {
    signerFor: (caller) => {
      const cached = known.get(caller);
      const now = clock();
      if (cached !== undefined && now - cached.checked < RECHECK) return cached.signer;
      const name = caller.slice(caller.indexOf('=') + 1);
      if (!isCallerId(caller) || !caller.startsWith('cert='))
        throw new Rejection('no_signing_key', `${caller} is not of the form cert=<name>`);
      const file = join(directory, `${name}.pem`);
      try {
        const modified = statSync(file).mtimeMs;
        if (cached !== undefined && cached.modified === modified) {
          cached.checked = now;
          return cached.signer;
        }
        const signer = { callerId: caller, key: createPrivateKey(readFileSync(file)) };
        known.set(caller, { signer, modified, checked: now });
        return signer;
      } catch (error) {
        known.delete(caller);
        const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
        throw new Rejection(
          'no_signing_key',
          missing
            ? `there is no key ${name}.pem for ${caller} in the key folder`
            : `the key ${name}.pem of ${caller} cannot be used`,
          {},
          { cause: error },
        );
      }
    },
  };
};
