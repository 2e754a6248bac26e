import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** Signs heads with the operator's key. */
export interface HeadSigner {
  /** The first 16 hex digits of the public key's SHA-256. */
  readonly key: string;
  sign(text: string): string;
}

export interface HeadVerifier {
  readonly key: string;
  /** @param signature in base64, in its one form */
  holds(text: Uint8Array, signature: string): boolean;
}

/** What is signed is a head of an audit, and nothing else that such a key may sign. */
const PURPOSE = 'mcbridge audit head 1\n';

const nameOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);

const ed25519 = (key: KeyObject): KeyObject => {
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Error(`an Ed25519 key is wanted, and this is one of type ${key.asymmetricKeyType}`);
  return key;
};

/** @param pem a private key. @throws Error for what is none */
export const headSigner = (pem: Buffer): HeadSigner => {
  const secret = ed25519(createPrivateKey(pem));
  return {
    key: nameOf(createPublicKey(secret)),
    sign: (text) => sign(null, Buffer.from(PURPOSE + text), secret).toString('base64'),
  };
};

/** @param pem a public key; of a private one its public half counts. @throws Error for what is none */
export const headVerifier = (pem: Buffer): HeadVerifier => {
  const open = ed25519(createPublicKey(pem));
  return {
    key: nameOf(open),
    holds: (text, signature) => {
      const bytes = Buffer.from(signature, 'base64');
      // Several texts decode to the same bytes, and one of them was written.
      if (bytes.toString('base64') !== signature) return false;
      return verify(null, Buffer.concat([Buffer.from(PURPOSE), text]), open, bytes);
    },
  };
};
