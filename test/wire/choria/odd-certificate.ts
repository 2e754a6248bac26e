import forge from 'node-forge';
import { type Authority, type KeyPair, keyPair } from '../../support/pki.ts';

/** A certificate such as no decent CA would issue. */
export interface OddCertificate {
  readonly commonNames?: readonly string[];
  readonly issuer: Pick<Authority, 'certificate' | 'privateKey'>;
  readonly keys?: KeyPair;
  readonly extensions?: readonly object[];
  readonly digest?: 'sha1' | 'sha256' | 'md5';
  /** A public key in DER in place of that of `keys`, of a kind that forge does not know. */
  readonly spki?: Buffer;
}

const HOUR = 3_600_000;

/** Position of the key in a version 3 certificate's fields. */
const SPKI = 6;

const withKey = (
  certificate: forge.pki.Certificate,
  spki: Buffer,
  issuerKey: forge.pki.rsa.PrivateKey,
): string => {
  const { asn1, pki } = forge;
  const whole = pki.certificateToAsn1(certificate);
  const [tbs, , signature] = Array.isArray(whole.value) ? whole.value : [];
  if (typeof tbs !== 'object' || !Array.isArray(tbs.value) || typeof signature !== 'object')
    throw new Error('forge made no certificate');
  tbs.value[SPKI] = asn1.fromDer(spki.toString('latin1'));
  const digest = forge.md.sha256.create().update(asn1.toDer(tbs).getBytes());
  signature.value = `\u0000${issuerKey.sign(digest)}`;
  const der = Buffer.from(asn1.toDer(whole).getBytes(), 'latin1');
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
};

export const oddCertificate = (options: OddCertificate): KeyPair & { readonly certificate: string } => {
  const keys = options.keys ?? keyPair('odd');
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(keys.publicKey);
  certificate.serialNumber = '0102';
  certificate.validity.notBefore = new Date(Date.now() - HOUR);
  certificate.validity.notAfter = new Date(Date.now() + HOUR);
  const names = options.commonNames ?? ['odd.mcollective'];
  certificate.setSubject(names.map((value) => ({ name: 'commonName', value })));
  certificate.setIssuer(forge.pki.certificateFromPem(options.issuer.certificate).subject.attributes);
  certificate.setExtensions([...(options.extensions ?? [])]);
  const digest = forge.md[options.digest ?? 'sha256'].create();
  const issuerKey = forge.pki.privateKeyFromPem(options.issuer.privateKey);
  certificate.sign(issuerKey, digest);
  const pem =
    options.spki === undefined
      ? forge.pki.certificateToPem(certificate)
      : withKey(certificate, options.spki, issuerKey);
  return { ...keys, certificate: pem };
};

/** Extensions of a CA, with no more than so many CAs below it. */
export const caExtensions = (pathLenConstraint?: number): readonly object[] => [
  {
    name: 'basicConstraints',
    cA: true,
    critical: true,
    ...(pathLenConstraint !== undefined && { pathLenConstraint }),
  },
  { name: 'keyUsage', keyCertSign: true, critical: true },
];
