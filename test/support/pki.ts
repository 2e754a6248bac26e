import { createHash } from 'node:crypto';
import {
  type CertificateOptions as Contents,
  type Authority as Issuer,
  type KeyPair,
  makeKeyPair,
  makeAuthority as makeRoot,
  type Validity,
} from '../../src/pki/authority.ts';

export { type KeyPair, makeKeyPair };

const cached = new Map<string, KeyPair>();

/** The key pair of this name: made once in a test process (a 2048-bit pair takes a tenth of a second or more). */
export const keyPair = (name: string, bits = 2048): KeyPair => {
  const id = `${name}/${bits}`;
  const known = cached.get(id);
  if (known !== undefined) return known;
  const made = makeKeyPair(bits);
  cached.set(id, made);
  return made;
};

/** Usages are client and server by default, and the address of a server is 127.0.0.1. */
export interface CertificateOptions extends Contents {
  /** Default: the pair cached under the authority's and the certificate's names. */
  readonly keys?: KeyPair;
}

type AuthorityOptions = Validity & { readonly keys?: KeyPair };

/** A certificate and what belongs to it, all PEM text. */
export interface Identity extends KeyPair {
  readonly certificate: string;
  /** The certificate, followed by the intermediates up to the root (which is not in it). */
  readonly chain: string;
}

/** Something that signs certificates. */
export interface Authority extends Identity {
  issue(options: CertificateOptions): Identity;
  /** An authority below this one. */
  intermediate(commonName: string, options?: AuthorityOptions): Authority;
}

/** @param intermediates from this one up, without the root */
const authority = (path: string, issuer: Issuer, intermediates: string): Authority => ({
  ...issuer.keys,
  certificate: issuer.certificate,
  chain: intermediates === '' ? issuer.certificate : intermediates,
  issue: ({ keys, ...options }) => {
    const id = createHash('sha1')
      .update(JSON.stringify([options.commonName, options.dnsNames]))
      .digest('hex');
    const own = keys ?? keyPair(`${path}/${id}`);
    const usages = options.usages ?? ['client', 'server'];
    const ipAddresses = usages.includes('server') ? ['127.0.0.1'] : [];
    const certificate = issuer.issue({ ipAddresses, ...options, usages }, own.publicKey);
    return { ...own, certificate, chain: certificate + intermediates };
  },
  intermediate: (commonName, options = {}) => {
    const below = `${path}/${commonName}`;
    const made = issuer.intermediate({ ...options, commonName, keys: options.keys ?? keyPair(below) });
    return authority(below, made, made.certificate + intermediates);
  },
});

/** A self-signed root. Two of the same name in one test process share their key, not their certificate. */
export const makeAuthority = (commonName: string, options: AuthorityOptions = {}): Authority =>
  authority(commonName, makeRoot({ ...options, commonName, keys: options.keys ?? keyPair(commonName) }), '');
