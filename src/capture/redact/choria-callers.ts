import { createHash, type KeyObject, verify } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import {
  type CallerVerifier,
  decodeBase64,
  type SecureRequest,
  signSecureRequest,
  type WireRequest,
} from '../../adapters/choria/wire/index.ts';
import { Rejection } from '../../envelope/rejection.ts';
import type { Authority } from '../../pki/authority.ts';
import { type Certificate, parseCertificates } from '../../pki/certificate.ts';
import { makeRevocationList } from '../../pki/revocation-writer.ts';
import { issueLike, makePair, makeThrowAwayAuthority, type ThrowAwayPair } from './identities.ts';
import type { FindRevoked } from './revoked-callers.ts';

/** Who vouches for callers on some ingresses. */
export interface CallerAuthority {
  /** The file of the CA. */
  readonly source: string;
  readonly verifier: CallerVerifier;
  readonly anchors: readonly Certificate[];
}

interface Identity extends ThrowAwayPair {
  readonly certificate: string;
  /** PEM of the certificate that it stands for, and of what came with it. */
  readonly of: string;
  readonly issuedBy: Authority;
}

/** What vouches for callers in the cassette. */
interface Voucher {
  readonly instead: Authority;
  /** The same by the names of those whom callers' certificates are of, for a sentence may name them. */
  readonly issuers: Map<string, Authority>;
}

/** As those of the authorities themselves. */
const LIST_DATES = { thisUpdate: Date.UTC(1990, 0), nextUpdate: Date.UTC(2049, 0) };
/** Requests of many messages are one: a group of nodes gets the same. */
const MAX_REMEMBERED_REQUESTS = 64;
/** What builds of Choria without security write for signature and certificate. */
const UNSIGNED: ReadonlySet<string> = new Set([
  'insecure',
  'insecure registration',
  Buffer.from('insecure registration').toString('base64'),
]);

/**
 * Signs requests anew as others of the same names would have. What a verifier makes of the new signature is what it made
 * of the old one: who was a stranger to a CA still is, and what was forged stays so.
 */
export class ChoriaCallers {
  readonly #authorities: readonly (CallerAuthority & Voucher)[];
  readonly #identities = new Map<string, Identity>();
  readonly #signed = new LRUCache<string, SecureRequest>({ max: MAX_REMEMBERED_REQUESTS });
  /** For those that no CA of the configuration knows. */
  readonly #unknown = makeThrowAwayAuthority();
  readonly #unconfigured = newVoucher(this.#unknown);
  readonly #stranger = makePair();

  constructor(authorities: readonly CallerAuthority[]) {
    this.#authorities = authorities.map((it) => ({ ...it, ...newVoucher() }));
  }

  /** The CAs to believe instead of those in that file, PEM. */
  caFor(source: string): string | undefined {
    const found = this.#authorities.find((it) => it.source === source);
    return found && [found.instead, ...found.issuers.values()].map((it) => it.certificate).join('');
  }

  /**
   * The lists of those authorities, with all that stand for callers who are revoked: where a replay knew nobody as revoked, it
   * would let them in. Undefined where nobody is.
   * @returns PEM
   */
  listsBy(find: FindRevoked): string | undefined {
    const lists = this.#authorities.flatMap(({ anchors, instead, issuers }) =>
      [instead, ...issuers.values()].flatMap((issuer) => {
        const revoked = [...this.#identities.values()].flatMap(({ issuedBy, of, certificate }) => {
          const entry = issuedBy === issuer ? find(of, anchors) : undefined;
          return entry === undefined ? [] : [{ certificate, ...entry }];
        });
        return revoked.length === 0 ? [] : [makeRevocationList(issuer, revoked, LIST_DATES)];
      }),
    );
    return lists.length === 0 ? undefined : lists.join('');
  }

  /**
   * @param request as it was signed
   * @param message its text as it is to be
   * @throws Rejection for a signature or a certificate that cannot be read
   */
  sign(request: SecureRequest, wire: WireRequest, message: string): SecureRequest {
    const id = createHash('sha256')
      .update(JSON.stringify([request, message]))
      .digest('base64');
    const known = this.#signed.get(id);
    if (known !== undefined) return known;
    const signed = this.#sign(request, wire, message);
    this.#signed.set(id, signed);
    return signed;
  }

  #sign(request: SecureRequest, wire: WireRequest, message: string): SecureRequest {
    if (UNSIGNED.has(request.pubcert) && UNSIGNED.has(request.signature)) return { ...request, message };
    const [leaf] = parseCertificates(request.pubcert, "the caller's certificate");
    if (leaf === undefined) throw new Rejection('untrusted_certificate', 'there is no certificate');
    const authority = this.#authorityOf(request, wire);
    const { certificate, privateKey } =
      authority === undefined
        ? {
            ...this.#stranger,
            certificate: issueLike(this.#unknown, leaf, this.#stranger.publicKey, leaf.issuer),
          }
        : this.#identity(request.pubcert, leaf, authority);
    const style = request.signature.includes('\n') ? 'wrapped' : 'plain';
    const signed = signSecureRequest(message, privateKey, certificate, style);
    return isSound(request, leaf.key) ? signed : { ...signed, signature: NOBODYS };
  }

  #identity(pubcert: string, leaf: Certificate, by: Voucher): Identity {
    const id = createHash('sha256').update(pubcert).digest('base64');
    const known = this.#identities.get(id);
    if (known !== undefined) return known;
    const pair = makePair();
    const issuedBy = issuerLike(by, leaf);
    const made = { ...pair, certificate: issueLike(issuedBy, leaf, pair.publicKey), of: pubcert, issuedBy };
    this.#identities.set(id, made);
    return made;
  }

  /** Undefined where no CA of the configuration knows the caller. Without any CA no caller is unknown. */
  #authorityOf(request: SecureRequest, wire: WireRequest): Voucher | undefined {
    if (this.#authorities.length === 0) return this.#unconfigured;
    for (const one of this.#authorities) {
      try {
        one.verifier.verify(request, wire.callerId, wire.time * 1000);
        return one;
      } catch (error) {
        if (!(error instanceof Rejection)) throw error;
        if (error.code === 'malformed_base64') throw error;
        if (error.code !== 'untrusted_certificate') return one;
      }
    }
    return undefined;
  }
}

const newVoucher = (instead = makeThrowAwayAuthority()): Voucher => ({ instead, issuers: new Map() });

const issuerLike = ({ instead, issuers }: Voucher, { issuer }: Certificate): Authority => {
  const [name] = issuer.commonNames;
  if (name === undefined) return instead;
  const known = issuers.get(name) ?? makeThrowAwayAuthority({ commonName: name, keys: instead.keys });
  issuers.set(name, known);
  return known;
};

/** Whether the certificate's own key has signed it. */
const isSound = ({ message, signature }: SecureRequest, key: KeyObject): boolean =>
  verify('sha256', Buffer.from(message), key, decodeBase64(signature, 'the signature'));

/** No key has made this. */
const NOBODYS = Buffer.alloc(256, 1).toString('base64');
