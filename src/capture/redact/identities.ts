import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import forge from 'node-forge';

/** A pair that lives as long as a recording; the private half never leaves this process. */
export interface ThrowAwayPair {
  readonly privateKey: KeyObject;
  /** PEM. */
  readonly publicKey: string;
}

export interface ThrowAwayAuthority {
  /** PEM. */
  readonly certificate: string;
  /**
   * @param issuer whose name it bears, where that is another's: the DER of a certificate that they have issued
   * @returns PEM
   */
  issue(like: CertificateLike, publicKey: string, issuer?: Uint8Array): string;
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

const pem = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

export const makePair = (): ThrowAwayPair => {
  const { publicKey, privateKey } = pem();
  return { publicKey, privateKey: createPrivateKey(privateKey) };
};

const CA_NAME = 'mcbridge throw-away CA';
/** Whatever the dates of those below it. */
const CA_DATES = { notBefore: Date.UTC(1990, 0), notAfter: Date.UTC(2049, 0) };

const blank = (
  subject: string | undefined,
  publicKey: string,
  { notBefore, notAfter }: Pick<CertificateLike, 'notBefore' | 'notAfter'>,
): forge.pki.Certificate => {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  // Positive and of fixed length, as DER wants a serial.
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  certificate.validity.notBefore = new Date(notBefore);
  certificate.validity.notAfter = new Date(notAfter);
  certificate.setSubject(subject === undefined ? [] : [{ name: 'commonName', value: subject }]);
  certificate.setIssuer([{ name: 'commonName', value: CA_NAME }]);
  return certificate;
};

/** Where the issuer stands in what is signed of a certificate, behind its version, if it has one. */
const ISSUER = 2;

/** Read by hand, for the library knows no certificates with keys other than RSA's. */
const issuerIn = (der: Uint8Array): forge.pki.CertificateField[] => {
  const { value } = forge.asn1.fromDer(Buffer.from(der).toString('binary'));
  const [signed] = parts(value);
  const fields = parts(signed?.value);
  const hasVersion = fields[0]?.tagClass === forge.asn1.Class.CONTEXT_SPECIFIC;
  return parts(fields[ISSUER + (hasVersion ? 1 : 0)]?.value).flatMap((set) =>
    parts(set.value).flatMap((attribute): forge.pki.CertificateField[] => {
      const [type, text] = parts(attribute.value);
      if (typeof type?.value !== 'string' || typeof text?.value !== 'string') return [];
      const isUtf8 = text.type === forge.asn1.Type.UTF8;
      return [
        {
          type: forge.asn1.derToOid(type.value),
          value: isUtf8 ? forge.util.decodeUtf8(text.value) : text.value,
          // The library's types take the kind of a text for a class.
          valueTagClass: text.type as unknown as forge.asn1.Class,
        },
      ];
    }),
  );
};

const parts = (value: forge.asn1.Asn1['value'] | undefined): readonly forge.asn1.Asn1[] =>
  Array.isArray(value) ? value : [];

/** An authority whose certificates say what others said, for keys that nobody has. */
export const makeAuthority = (): ThrowAwayAuthority => {
  const keys = pem();
  const key = forge.pki.privateKeyFromPem(keys.privateKey);
  const ca = blank(CA_NAME, keys.publicKey, CA_DATES);
  ca.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ]);
  ca.sign(key, forge.md.sha256.create());
  return {
    certificate: forge.pki.certificateToPem(ca),
    issue: ({ names, clientAuth, ...dates }, publicKey, issuer) => {
      const [first] = names;
      const certificate = blank(first, publicKey, dates);
      if (issuer !== undefined) certificate.setIssuer(issuerIn(issuer));
      certificate.setExtensions([
        { name: 'basicConstraints', cA: false },
        { name: 'extKeyUsage', clientAuth, serverAuth: !clientAuth },
        ...(names.length === 0
          ? []
          : [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) }]),
      ]);
      certificate.sign(key, forge.md.sha256.create());
      return forge.pki.certificateToPem(certificate);
    },
  };
};
