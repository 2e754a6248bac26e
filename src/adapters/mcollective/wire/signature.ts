import { type KeyObject, sign, verify } from 'node:crypto';

/**
 * RSA PKCS#1 v1.5 with SHA-1 over a document, as MCollective's SSL plugin signs. SHA-1 is the wire's choice:
 * no daemon understands another.
 */
const DIGEST = 'sha1';

/** Signs in the thread pool, so that replies keep flowing meanwhile. */
export const signDocument = (document: Uint8Array, key: KeyObject): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    sign(DIGEST, document, key, (error, signature) => (error ? reject(error) : resolve(signature)));
  });

export const verifyDocument = (document: Uint8Array, signature: Uint8Array, key: KeyObject): boolean =>
  verify(DIGEST, document, key, signature);
