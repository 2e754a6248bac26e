import { type KeyObject, sign, verify } from 'node:crypto';

/**
 * RSA PKCS#1 v1.5 with SHA-1 over a document, as MCollective's SSL plugin signs. SHA-1 is the wire's choice:
 * no daemon understands another.
 */
const DIGEST = 'sha1';

/** Ruby's `Base64.encode64`: a line feed after every 60 characters and at the end. */
export const encode64 = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  let wrapped = '';
  for (let at = 0; at < text.length; at += 60) wrapped += `${text.slice(at, at + 60)}\n`;
  return wrapped;
};

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Strict but for white space, as MCollective reads it; undefined where the text is no base64. */
export const decode64 = (text: string): Buffer | undefined => {
  const plain = text.replace(/\s+/g, '');
  return plain.length % 4 === 0 && BASE64.test(plain) ? Buffer.from(plain, 'base64') : undefined;
};

/** Signs in the thread pool, so that replies keep flowing meanwhile. */
export const signDocument = (document: Uint8Array, key: KeyObject): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    sign(DIGEST, document, key, (error, signature) => (error ? reject(error) : resolve(signature)));
  });

export const verifyDocument = (document: Uint8Array, signature: Uint8Array, key: KeyObject): boolean =>
  verify(DIGEST, document, key, signature);
