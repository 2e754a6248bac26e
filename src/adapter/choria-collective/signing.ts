import type { KeyObject } from 'node:crypto';
import type { SealedContent } from '../../envelope/sealed.ts';
import { encodeBase64Json, secureRequestEncoder } from '../../wire/choria/index.ts';
import { TRANSPORT_V1 } from '../../wire/choria/relay-parts.ts';
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

/**
 * Signs the JSON text of a request.
 * @param check called when its turn has come, see `SigningPool`; the same text has the same
 * @returns the transport message around it, still without headers: as many messages may go out with the same content
 */
export type RequestSigner = (text: string, check?: () => void) => Promise<SealedContent>;

/**
 * Requests whose signature is remembered. Legacy clients send one frame a node, so that one request comes in as
 * hundreds of messages: these come together, and no older one comes again.
 */
const REMEMBERED = 64;

/** Signs each text once, however often and however quickly in a row it comes. */
export const createRequestSigner = ({ certificate, privateKey, pool }: RequestCertificate): RequestSigner => {
  const signed = new Lru<string, Promise<SealedContent> | undefined>(REMEMBERED);
  const encode = secureRequestEncoder(certificate);

  const sign = async (text: string, check?: () => void): Promise<SealedContent> => {
    const signature = await pool.sign('sha256', Buffer.from(text), privateKey, 'request', check);
    const data = encodeBase64Json(Buffer.from(encode(text, signature)), 'plain');
    return { protocol: TRANSPORT_V1, data, headers: {} };
  };

  return (text, check) => {
    const known = signed.get(text);
    if (known !== undefined) return known;
    const made = sign(text, check);
    signed.set(text, made);
    // What has failed is to be tried again, and whoever awaits it is told all the same.
    made.catch(() => signed.set(text, undefined));
    return made;
  };
};
