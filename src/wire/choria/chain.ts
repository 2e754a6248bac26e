import type { KeyObject } from 'node:crypto';
import { Rejection } from '../../envelope/rejection.ts';
import { type Certificate, label } from './certificate.ts';

/** A caller's certificate, then each one's issuer up to a configured CA. */
export type Chain = readonly Certificate[];

const MAX_LENGTH = 6;
/** Signature checks for one caller's certificate; those who send certificates must not decide how many. */
const MAX_CHECKS = 64;
const MIN_RSA_BITS = 2048;

/** Whether it is an RSA key with at least 2048 bits, the least that NIST SP 800-131A and Puppet's own CA allow. */
export const isStrongRsa = (key: KeyObject): boolean =>
  key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS;

/** Why `issuer` may not stand above a path of `below` certificates; undefined where it may. */
const objection = (issuer: Certificate, below: number): string | undefined => {
  if (issuer.pathLength < 0) return `${label(issuer)} is not a CA`;
  if (below - 1 > issuer.pathLength) return `${label(issuer)} may not have that many CAs below it`;
  if (!issuer.clientAuth) return `${label(issuer)} may not issue certificates for clients`;
  return undefined;
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
  let checks = 0;
  let reason = `its issuer ${JSON.stringify(leaf.x509.issuer)} is none of the configured CAs`;

  const issued = (certificate: Certificate, issuer: Certificate): boolean => {
    // `checkIssued` would also hide a CA that may not sign, and with it the reason. The signature is what counts.
    if (certificate.x509.issuer !== issuer.x509.subject) return false;
    if (++checks > MAX_CHECKS)
      throw new Rejection('untrusted_certificate', 'the certificate comes with too many intermediates');
    return certificate.x509.verify(issuer.key);
  };

  const climb = (path: Chain, last: Certificate): void => {
    for (const [candidates, trusted] of [
      [anchors, true],
      [intermediates, false],
    ] as const)
      for (const issuer of candidates) {
        if (path.includes(issuer) || !issued(last, issuer)) continue;
        const problem = objection(issuer, path.length);
        if (problem !== undefined) reason = problem;
        else if (trusted) chains.push([...path, issuer]);
        else if (issuer.key.asymmetricKeyType === 'rsa' && !isStrongRsa(issuer.key))
          reason = `the key of ${label(issuer)} is too short`;
        else if (path.length < MAX_LENGTH) climb([...path, issuer], issuer);
      }
  };

  climb([leaf], leaf);
  if (chains.length === 0)
    throw new Rejection(
      'untrusted_certificate',
      `the certificate of ${label(leaf)} is not trusted: ${reason}`,
    );
  return chains;
};

const day = (ms: number): string => new Date(ms).toISOString();

/**
 * That all certificates of one of the chains are valid at a time.
 * @param now ms since the epoch
 * @throws Rejection `certificate_expired`, also where one is not valid yet
 */
export const checkDates = (chains: readonly Chain[], now: number): void => {
  const isValid = (certificate: Certificate): boolean =>
    now >= certificate.notBefore && now <= certificate.notAfter;
  if (chains.some((chain) => chain.every(isValid))) return;
  const culprit = chains[0]?.find((certificate) => !isValid(certificate));
  if (culprit === undefined) throw new Rejection('untrusted_certificate', 'the certificate has no chain');
  throw new Rejection(
    'certificate_expired',
    now < culprit.notBefore
      ? `the certificate of ${label(culprit)} is not valid before ${day(culprit.notBefore)}`
      : `the certificate of ${label(culprit)} expired at ${day(culprit.notAfter)}`,
  );
};
