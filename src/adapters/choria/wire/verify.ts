import { createHash, type KeyObject, verify as verifySignature } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { tryDecodeBase64 } from '../../../codec/base64.ts';
import type { Pattern } from '../../../envelope/pattern.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { type Certificate, label, parseCertificates } from '../../../pki/certificate.ts';
import { type Chain, checkDates, findChains } from '../../../pki/chain.ts';
import type { Revocation } from '../../../pki/revocation.ts';
import { callerName } from './caller.ts';
import type { SecureRequest } from './secure.ts';

/** Who may call, and who in another's name: certname_whitelist and privileged_users of go-choria 0.30, dots escaped. */
export const DEFAULT_ALLOW: readonly RegExp[] = [/\.mcollective$/, /\.choria$/];
export const DEFAULT_PRIVILEGED: readonly RegExp[] = [/\.privileged\.mcollective$/, /\.privileged\.choria$/];

export interface CallerVerifierOptions {
  /** The trusted CA certificates, PEM. */
  readonly ca: string;
  /** Which certificate names may call; a privileged certificate is not asked. */
  readonly allow: readonly Pattern[];
  /** Certificates with such a name may claim any callerid. */
  readonly privileged: readonly Pattern[];
  /** Whether certificates are revoked; where it is not given nobody asks. */
  readonly revocation?: Revocation | undefined;
  /** How many certificates are remembered, 1000 unless told. */
  readonly cacheSize?: number;
}

/** What the signature proved. */
export interface VerifiedCaller {
  /** The callerid's name, without the `choria=` or `up=` before it. */
  readonly name: string;
  /** Whether a privileged certificate spoke for the caller. */
  readonly privileged: boolean;
  /** A name of the certificate that signed. */
  readonly certificate: string;
}

export interface CallerVerifier {
  /**
   * That the request was signed by the caller whom it names, or by someone who may speak for any.
   * @param callerId the `callerId` of the request inside
   * @param now ms since the epoch
   * @throws Rejection `invalid_callerid`, `invalid_signature`, `malformed_base64`, `untrusted_certificate`, `certificate_usage`,
   *   `certificate_expired`, `certificate_revoked`, `revocation_unknown`, `caller_mismatch`, `caller_not_allowed`
   */
  verify(request: SecureRequest, callerId: string, now: number): VerifiedCaller;
}

/** Characters of all of them; with a text before each, as `openssl x509 -text` writes it, four have as many. */
const MAX_PEM_CHARS = 32 * 1024;
const MAX_ANCHORS = 1000;
/** Certificates that are remembered with why they are refused, or with no request yet that their key has signed. */
const MAX_UNPROVEN_CERTIFICATES = 250;

interface Signer {
  readonly key: KeyObject;
  readonly label: string;
  readonly names: readonly string[];
  readonly privileged: boolean;
  readonly chains: readonly Chain[];
  /** What came with its certificate. */
  readonly sent: readonly Certificate[];
}

/** `test` of a pattern with these flags depends on where the last one ended. */
const stateless = (patterns: readonly Pattern[]): readonly Pattern[] =>
  patterns.map((pattern) =>
    pattern instanceof RegExp ? new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')) : pattern,
  );

const nameIn = (callerId: string): string => {
  const name = callerName(callerId);
  if (name === undefined)
    throw new Rejection(
      'invalid_callerid',
      'the callerid is not of the form choria=<name>, or another word of small letters in place of choria',
    );
  return name;
};

/** Builds of Choria without security write the word in place of both. */
const isInsecure = (request: SecureRequest): boolean =>
  request.signature === 'insecure' || request.pubcert.startsWith('insecure');

const decodeSignature = (text: string): Buffer => {
  const bytes = tryDecodeBase64(text);
  if (bytes === undefined)
    throw new Rejection('malformed_base64', 'the signature of the secure request is not base64');
  return bytes;
};

/**
 * Verifies callers as go-choria's file security does (`ShouldAllowCaller`, then RSA), but with the callerid anchored.
 * @throws Rejection `untrusted_certificate` where the configured CAs cannot be read or are none
 */
export const createCallerVerifier = (options: CallerVerifierOptions): CallerVerifier => {
  const anchors = parseCertificates(options.ca, 'the configured CA', MAX_ANCHORS);
  for (const anchor of anchors)
    if (anchor.pathLength < 0)
      throw new Rejection(
        'untrusted_certificate',
        `the configured CA ${label(anchor)} is not a CA certificate`,
      );
  const allow = stateless(options.allow);
  const privileged = stateless(options.privileged);
  // Apart, because any client can show another's certificate, with any text around it: strangers must not be able
  // to push out those who have signed.
  const proven = new LRUCache<string, Signer>({ max: options.cacheSize ?? 1000 });
  const unproven = new LRUCache<string, Signer | Rejection>({ max: MAX_UNPROVEN_CERTIFICATES });

  const inspect = (pem: string): Signer => {
    const [leaf, ...intermediates] = parseCertificates(pem, "the caller's certificate");
    if (leaf === undefined) throw new Rejection('untrusted_certificate', 'there is no certificate');
    const chains = findChains(leaf, intermediates, anchors);
    if (!leaf.clientAuth)
      throw new Rejection('certificate_usage', `the certificate of ${label(leaf)} is not one for clients`);
    const { kind, problem = 'is no RSA key' } = leaf.keyInfo;
    if (kind !== 'rsa' || leaf.keyInfo.problem !== undefined)
      throw new Rejection('untrusted_certificate', `the key of ${label(leaf)} ${problem}`);
    return {
      key: leaf.key,
      label: label(leaf),
      names: leaf.names,
      privileged: leaf.names.some((name) => privileged.some((pattern) => pattern.test(name))),
      chains,
      sent: intermediates,
    };
  };

  const inspected = (pem: string): Signer | Rejection => {
    try {
      return inspect(pem);
    } catch (error) {
      if (error instanceof Rejection) return error;
      throw error;
    }
  };

  /** @returns the signer, and what remembers it as one whose key has signed a request */
  const signerOf = (pem: string): readonly [signer: Signer, remember: () => void] => {
    if (pem.length > MAX_PEM_CHARS)
      throw new Rejection('untrusted_certificate', "the caller's certificate is too large");
    const id = createHash('sha256').update(pem).digest('base64');
    const known = proven.get(id);
    if (known !== undefined) return [known, () => undefined];
    const found = unproven.get(id) ?? inspected(pem);
    unproven.set(id, found);
    if (found instanceof Rejection) throw found;
    return [found, () => proven.set(id, found)];
  };

  const checkName = (signer: Signer, name: string): void => {
    if (!signer.names.includes(name))
      throw new Rejection(
        'caller_mismatch',
        `the request claims to be by ${name}, but its certificate is that of ${signer.label}`,
      );
    if (!allow.some((pattern) => pattern.test(name)))
      throw new Rejection('caller_not_allowed', `the caller ${name} is not on the list of allowed callers`);
  };

  return {
    verify(request, callerId, now) {
      const name = nameIn(callerId);
      if (isInsecure(request))
        throw new Rejection(
          'invalid_signature',
          'the request comes from an insecure build and is not signed',
        );
      const signature = decodeSignature(request.signature);
      const [signer, remember] = signerOf(request.pubcert);
      const chains = checkDates(signer.chains, now);
      options.revocation?.check(chains, { sent: signer.sent, anchors }, now);
      if (!signer.privileged) checkName(signer, name);
      if (!verifySignature('sha256', Buffer.from(request.message), signer.key, signature))
        throw new Rejection(
          'invalid_signature',
          `the signature does not match the request and the certificate of ${signer.label}`,
        );
      remember();
      return { name, privileged: signer.privileged, certificate: signer.label };
    },
  };
};
