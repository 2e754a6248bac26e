import { LRUCache } from 'lru-cache';
import type { OpaqueContent } from '../../../envelope/message.ts';
import type { SigningPool } from '../../../pki/signing-pool.ts';
import { secureRequestEncoder, transportContent } from '../wire/index.ts';
import type { Credential } from './credentials.ts';

/**
 * Signs the JSON text of a request.
 * @param check called when its turn has come, see `SigningPool`; the same text has the same
 * @returns the transport message around it, still without headers: as many messages may go out with the same content
 */
export type RequestSigner = (
  text: string,
  credential: Credential,
  check?: () => void,
) => Promise<OpaqueContent>;

/**
 * Requests whose signature is remembered. Legacy clients send one frame a node, so that one request comes in as
 * hundreds of messages: these come together, and no older one comes again.
 */
const MAX_CACHED_REQUESTS = 64;

/** Signs each text once, however often and however quickly in a row it comes; a text names its caller. */
export const createRequestSigner = (pool: SigningPool): RequestSigner => {
  const signed = new LRUCache<string, Promise<OpaqueContent>>({ max: MAX_CACHED_REQUESTS });
  const encoders = new WeakMap<Credential, ReturnType<typeof secureRequestEncoder>>();

  const encoderOf = (credential: Credential): ReturnType<typeof secureRequestEncoder> => {
    const encode = encoders.get(credential) ?? secureRequestEncoder(credential.certificate);
    encoders.set(credential, encode);
    return encode;
  };

  const sign = async (text: string, credential: Credential, check?: () => void): Promise<OpaqueContent> => {
    const signature = await pool.sign('sha256', Buffer.from(text), credential.privateKey, 'request', check);
    return transportContent(encoderOf(credential)(text, signature), 'plain');
  };

  return (text, credential, check) => {
    const known = signed.get(text);
    if (known !== undefined) return known;
    const made = sign(text, credential, check);
    signed.set(text, made);
    // A failure is not kept: the next request tries again. Its waiters get the error all the same.
    made.catch(() => signed.delete(text));
    return made;
  };
};
