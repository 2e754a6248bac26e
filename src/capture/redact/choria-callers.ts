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
import { parseCertificates } from '../../pki/certificate.ts';
import {
  type CertificateLike,
  issueLike,
  makePair,
  makeThrowAwayAuthority,
  type ThrowAwayPair,
} from './identities.ts';

/** Who vouches for callers on some ingresses. */
export interface CallerAuthority {
  /** The file of the CA. */
  readonly source: string;
  readonly verifier: CallerVerifier;
}

interface Identity extends ThrowAwayPair {
  readonly certificate: string;
}

/** Requests of many messages are one: a group of nodes gets the same. */
const REMEMBERED = 64;
const MAX_CERTIFICATES = 8;
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
  readonly #authorities: readonly (CallerAuthority & { readonly instead: Authority })[];
  readonly #identities = new Map<string, Identity>();
  readonly #signed = new LRUCache<string, SecureRequest>({ max: REMEMBERED });
  /** For those that no CA of the configuration knows. */
  readonly #unknown = makeThrowAwayAuthority();
  readonly #stranger = makePair();

  constructor(authorities: readonly CallerAuthority[]) {
    this.#authorities = authorities.map((it) => ({ ...it, instead: makeThrowAwayAuthority() }));
  }

  /** The CA to believe instead of the one in that file, PEM. */
  caFor(source: string): string | undefined {
    return this.#authorities.find((it) => it.source === source)?.instead.certificate;
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
    const [leaf] = parseCertificates(request.pubcert, "the caller's certificate", MAX_CERTIFICATES);
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

  #identity(pubcert: string, leaf: CertificateLike, authority: Authority): Identity {
    const id = createHash('sha256').update(pubcert).digest('base64');
    const known = this.#identities.get(id);
    if (known !== undefined) return known;
    const pair = makePair();
    const made = { ...pair, certificate: issueLike(authority, leaf, pair.publicKey) };
    this.#identities.set(id, made);
    return made;
  }

  /** Undefined where no CA of the configuration knows the caller. Without any, there is nobody to be unknown to. */
  #authorityOf(request: SecureRequest, wire: WireRequest): Authority | undefined {
    if (this.#authorities.length === 0) return this.#unknown;
    for (const { verifier, instead } of this.#authorities) {
      try {
        verifier.verify(request, wire.callerId, wire.time * 1000);
        return instead;
      } catch (error) {
        if (!(error instanceof Rejection)) throw error;
        if (error.code === 'malformed_base64') throw error;
        if (error.code !== 'untrusted_certificate') return instead;
      }
    }
    return undefined;
  }
}

/** Whether the certificate's own key has signed it. */
const isSound = ({ message, signature }: SecureRequest, key: KeyObject): boolean =>
  verify('sha256', Buffer.from(message), key, decodeBase64(signature, 'the signature'));

/** No key has made this. */
const NOBODYS = Buffer.alloc(256, 1).toString('base64');
