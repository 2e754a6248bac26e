import { Rejection } from '../envelope/rejection.ts';
import { isoTime } from '../envelope/time.ts';
import { type Certificate, issuerText, label } from './certificate.ts';

/** A caller's certificate, then each one's issuer up to a configured CA. */
export type Chain = readonly Certificate[];

const MAX_CHAIN_CERTIFICATES = 6;
/** Signatures that are checked for one caller's certificate; those who send certificates must not decide how many. */
const MAX_CHECKS = 16;
/** A CA and its renewed certificate make two; a caller's own CAs that have signed each other could make many. */
const MAX_CHAINS = 16;

const tooMany = (): Rejection =>
  new Rejection('untrusted_certificate', 'the certificate comes with too many intermediates');

/** Why no signature of this one counts; undefined where it may. */
const objection = (issuer: Certificate, isAnchor: boolean): string | undefined => {
  if (issuer.pathLength < 0) return `${label(issuer)} is not a CA`;
  if (!issuer.clientAuth) return `${label(issuer)} may not issue certificates for clients`;
  if (!isAnchor && issuer.keyInfo.problem !== undefined)
    return `the key of ${label(issuer)} ${issuer.keyInfo.problem}`;
  return undefined;
};

/** Who has issued whom, of the certificates that came and the configured CAs. */
class Issuers {
  /** The first reason why something does not count. */
  reason: string | undefined;
  readonly #sent: readonly Certificate[];
  readonly #anchors: readonly Certificate[];
  readonly #issued = new Map<Certificate, Certificate[]>();
  #checks = 0;

  constructor(sent: readonly Certificate[], anchors: readonly Certificate[]) {
    this.#sent = sent;
    this.#anchors = anchors;
  }

  /**
   * From the configured CAs down, so that no key is used that none of them vouches for: a stranger's own would make
   * each check as dear as he likes, and would prove nothing.
   */
  check(): void {
    let issuers = this.#anchors;
    while (issuers.length > 0) {
      const found = new Set<Certificate>();
      for (const issuer of issuers)
        for (const certificate of this.#sent)
          if (certificate !== issuer && this.#isIssued(certificate, issuer)) {
            if (!this.#issued.has(certificate)) found.add(certificate);
            this.#issued.set(certificate, [...this.of(certificate), issuer]);
          }
      issuers = [...found];
    }
  }

  /** All that have issued it, provably. */
  of(certificate: Certificate): readonly Certificate[] {
    return this.#issued.get(certificate) ?? [];
  }

  isAnchor(certificate: Certificate): boolean {
    return this.#anchors.includes(certificate);
  }

  #isIssued(certificate: Certificate, issuer: Certificate): boolean {
    if (certificate.issuer.id !== issuer.subject.id) return false;
    const problem = certificate.isSignedStrongly
      ? objection(issuer, this.isAnchor(issuer))
      : `${label(certificate)} is not signed with SHA-256, SHA-384, SHA-512 or Ed25519`;
    if (problem !== undefined) {
      this.reason ??= problem;
      return false;
    }
    if (++this.#checks > MAX_CHECKS) throw tooMany();
    return certificate.x509.verify(issuer.key);
  }
}

/** A CA's own certificate for another key of its, which is not a further CA (RFC 5280, 6.1). */
export const isSelfIssued = ({ issuer, subject }: Certificate): boolean => issuer.id === subject.id;

/** Without those that are there twice, or are configured. */
const distinct = (certificates: readonly Certificate[], anchors: readonly Certificate[]): Certificate[] => {
  const known = new Set(anchors.map(({ der }) => der.toString('latin1')));
  return certificates.filter(({ der }) => {
    const id = der.toString('latin1');
    return !known.has(id) && known.add(id);
  });
};

/**
 * All ways from a certificate to a configured CA whose signatures are right; dates are not looked at. There may be
 * several, e.g. while a CA and its renewed certificate are both configured.
 * @param intermediates what the caller sent with its certificate
 * @throws Rejection `untrusted_certificate` where there is none
 */
export const findChains = (
  leaf: Certificate,
  intermediates: readonly Certificate[],
  anchors: readonly Certificate[],
): readonly Chain[] => {
  const chains: Chain[] = [];
  const issuers = new Issuers([leaf, ...distinct(intermediates, anchors)], anchors);
  issuers.check();

  const climb = (path: Chain, last: Certificate): void => {
    for (const issuer of issuers.of(last)) {
      if (path.includes(issuer)) continue;
      if (path.slice(1).filter((ca) => !isSelfIssued(ca)).length > issuer.pathLength)
        issuers.reason ??= `${label(issuer)} may not have that many CAs below it`;
      else if (issuers.isAnchor(issuer)) {
        if (chains.push([...path, issuer]) > MAX_CHAINS) throw tooMany();
      } else if (path.length < MAX_CHAIN_CERTIFICATES) climb([...path, issuer], issuer);
    }
  };

  climb([leaf], leaf);
  if (chains.length === 0)
    throw new Rejection(
      'untrusted_certificate',
      `the certificate of ${label(leaf)} is not trusted: ${issuers.reason ?? `its issuer ${issuerText(leaf)} is none of the configured CAs`}`,
    );
  return chains;
};

/**
 * That all certificates of one of the chains are valid at a time.
 * @param now ms since the epoch
 * @returns the chains of which that is so
 * @throws Rejection `certificate_expired`, also where one is not valid yet
 */
export const checkDates = (chains: readonly Chain[], now: number): readonly Chain[] => {
  const isValid = (certificate: Certificate): boolean =>
    now >= certificate.notBefore && now <= certificate.notAfter;
  const valid = chains.filter((chain) => chain.every(isValid));
  if (valid.length > 0) return valid;
  const culprit = chains[0]?.find((certificate) => !isValid(certificate));
  if (culprit === undefined) throw new Rejection('untrusted_certificate', 'the certificate has no chain');
  throw new Rejection(
    'certificate_expired',
    now < culprit.notBefore
      ? `the certificate of ${label(culprit)} is not valid before ${isoTime(culprit.notBefore)}`
      : `the certificate of ${label(culprit)} expired at ${isoTime(culprit.notAfter)}`,
  );
};
