import type { KeyObject } from 'node:crypto';
import { secureRequestEncoder } from '../../wire/choria/index.ts';
import { Lru } from '../../wire/lru.ts';
import type { SigningPool } from '../../wire/signing-pool.ts';

/** What requests to Choria nodes are signed with, on behalf of whoever they are by. */
export interface RequestCertificate {
  /** PEM: the privileged certificate, then any intermediates; goes out with every request. */
  readonly certificate: string;
  /** Its RSA key. */
  readonly privateKey: KeyObject;
  readonly pool: SigningPool;
}

/** Signs the JSON text of a request; the secure message around it is what nodes read. */
export type RequestSigner = (text: string) => Promise<Buffer>;

/**
 * Requests whose signature is remembered. Legacy clients send one frame a node, so that one request comes in as
 * hundreds of messages: these come together, and no older one comes again.
 */
const REMEMBERED = 64;

/** Signs each text once, however often and however quickly in a row it comes. */
export const createRequestSigner = ({ certificate, privateKey, pool }: RequestCertificate): RequestSigner => {
  const signed = new Lru<string, Promise<Buffer> | undefined>(REMEMBERED);
  const encode = secureRequestEncoder(certificate);

  const sign = async (text: string): Promise<Buffer> => {
    const signature = await pool.sign('sha256', Buffer.from(text), privateKey, 'request');
    return Buffer.from(encode(text, signature));
  };

  return (text) => {
    const known = signed.get(text);
    if (known !== undefined) return known;
    const made = sign(text);
    signed.set(text, made);
    // What has failed is to be tried again, and whoever awaits it is told all the same.
    made.catch(() => signed.set(text, undefined));
    return made;
  };
};
