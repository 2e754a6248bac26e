import { createPublicKey, type KeyObject } from 'node:crypto';
import type { KeyFiles } from '../../../config/key-files.ts';
import { openKeyFolder } from '../key-folder.ts';

/** Whose requests are believed. */
export interface Callers {
  /** @throws Rejection `caller_not_allowed` */
  keyFor(callerId: string): KeyObject;
}

/**
 * The clients' public keys as daemons have them in `plugin.ssl_client_cert_dir`: `<directory>/<name>.pem` for
 * `cert=<name>`, a PEM public key or a certificate.
 */
export const callerFolder = (directory: string, clock: () => number, files?: KeyFiles): Callers => ({
  keyFor: openKeyFolder({
    directory,
    called: "the folder of clients' public keys",
    code: 'caller_not_allowed',
    parse: rsaPublicKey,
    clock,
    files,
  }),
});

const rsaPublicKey = (pem: Buffer): KeyObject => {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'rsa') throw new Error('it is not an RSA key');
  return key;
};
