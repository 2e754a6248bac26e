import { createPrivateKey, type KeyObject } from 'node:crypto';
import { type Authority, type AuthorityOptions, makeAuthority, makeKeyPair } from '../../pki/authority.ts';
import type { DistinguishedName } from '../../pki/distinguished-name.ts';

/** A pair that lives as long as a recording; the private half never leaves this process. */
export interface ThrowAwayPair {
  readonly privateKey: KeyObject;
  /** PEM. */
  readonly publicKey: string;
}

/** What is taken over from the certificate that another stands in for. */
export interface CertificateLike {
  /** The common name, then DNS names. */
  readonly names: readonly string[];
  /** Ms since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Whether it is one for clients. */
  readonly clientAuth: boolean;
}

/** @param bits 2048 unless given */
export const makePair = (bits?: number): ThrowAwayPair => {
  const { publicKey, privateKey } = makeKeyPair(bits);
  return { publicKey, privateKey: createPrivateKey(privateKey) };
};

/** One whose certificate is valid whatever the dates of those below it. */
export const makeThrowAwayAuthority = ({
  commonName = 'mcbridge throw-away CA',
  keys = makeKeyPair(),
}: Partial<Pick<AuthorityOptions, 'commonName' | 'keys'>> = {}): Authority =>
  makeAuthority({
    keys,
    commonName,
    notBefore: new Date(Date.UTC(1990, 0)),
    notAfter: new Date(Date.UTC(2049, 0)),
  });

/**
 * A certificate that says what another said, for a key that does not exist.
 * @param issuer whose name it bears, where that is another's
 * @returns PEM
 */
export const issueLike = (
  authority: Authority,
  { names, notBefore, notAfter, clientAuth }: CertificateLike,
  publicKey: string,
  issuer?: DistinguishedName,
): string => {
  const [commonName] = names;
  return authority.issue(
    {
      ...(commonName !== undefined && { commonName }),
      ...(issuer !== undefined && { issuer }),
      dnsNames: names,
      usages: [clientAuth ? 'client' : 'server'],
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
    },
    publicKey,
  );
};
