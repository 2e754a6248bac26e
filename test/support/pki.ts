import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import forge from 'node-forge';

/** An RSA pair as PEM text: PKCS#8 `BEGIN PRIVATE KEY` and SPKI `BEGIN PUBLIC KEY`. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

export const makeKeyPair = (bits = 2048): KeyPair =>
  generateKeyPairSync('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

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

export type KeyUsage = 'client' | 'server' | 'codeSigning' | 'email';

export interface CertificateOptions {
  /** Absent: a certificate without CN. */
  readonly commonName?: string;
  readonly dnsNames?: readonly string[];
  /** Defaults to 127.0.0.1 for a certificate with server usage, else none. */
  readonly ipAddresses?: readonly string[];
  readonly emails?: readonly string[];
  /** Extended key usages; an empty list leaves the extension out. Default: client and server. */
  readonly usages?: readonly KeyUsage[];
  /** Default: an hour ago. */
  readonly notBefore?: Date;
  /** Default: in a day. */
  readonly notAfter?: Date;
  /** Default: the pair cached under the authority's and the certificate's names. */
  readonly keys?: KeyPair;
}

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
  intermediate(
    commonName: string,
    options?: Pick<CertificateOptions, 'notBefore' | 'notAfter' | 'keys'>,
  ): Authority;
}

const HOUR = 3_600_000;

interface Issuer {
  readonly certificate: forge.pki.Certificate;
  readonly key: forge.pki.rsa.PrivateKey;
}

const extensions = (options: CertificateOptions, isAuthority: boolean): object[] => {
  if (isAuthority)
    return [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      { name: 'subjectKeyIdentifier' },
    ];
  const usages = options.usages ?? ['client', 'server'];
  const names = [
    ...(options.emails ?? []).map((value) => ({ type: 1, value })),
    ...(options.dnsNames ?? []).map((value) => ({ type: 2, value })),
    ...(options.ipAddresses ?? (usages.includes('server') ? ['127.0.0.1'] : [])).map((ip) => ({
      type: 7,
      ip,
    })),
  ];
  return [
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    ...(usages.length > 0
      ? [
          {
            name: 'extKeyUsage',
            clientAuth: usages.includes('client'),
            serverAuth: usages.includes('server'),
            codeSigning: usages.includes('codeSigning'),
            emailProtection: usages.includes('email'),
          },
        ]
      : []),
    ...(names.length > 0 ? [{ name: 'subjectAltName', altNames: names }] : []),
  ];
};

const certify = (
  keys: KeyPair,
  options: CertificateOptions,
  isAuthority: boolean,
  issuer?: Issuer,
): forge.pki.Certificate => {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(keys.publicKey);
  // Positive and of fixed length, as DER wants a serial.
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  certificate.validity.notBefore = options.notBefore ?? new Date(Date.now() - HOUR);
  certificate.validity.notAfter = options.notAfter ?? new Date(Date.now() + 24 * HOUR);
  certificate.setSubject(
    options.commonName === undefined ? [] : [{ name: 'commonName', value: options.commonName }],
  );
  certificate.setIssuer(
    issuer === undefined ? certificate.subject.attributes : issuer.certificate.subject.attributes,
  );
  certificate.setExtensions(extensions(options, isAuthority));
  certificate.sign(
    issuer === undefined ? forge.pki.privateKeyFromPem(keys.privateKey) : issuer.key,
    forge.md.sha256.create(),
  );
  return certificate;
};

const authority = (
  name: string,
  keys: KeyPair,
  certificate: forge.pki.Certificate,
  above: string,
): Authority => {
  const pem = forge.pki.certificateToPem(certificate);
  const issuer = { certificate, key: forge.pki.privateKeyFromPem(keys.privateKey) };
  const chain = above === 'root' ? '' : pem + above;
  return {
    ...keys,
    certificate: pem,
    chain: above === 'root' ? pem : chain,
    issue: (options) => {
      const id = createHash('sha1')
        .update(JSON.stringify([options.commonName, options.dnsNames]))
        .digest('hex');
      const own = options.keys ?? keyPair(`${name}/${id}`);
      const leaf = forge.pki.certificateToPem(certify(own, options, false, issuer));
      return { ...own, certificate: leaf, chain: leaf + chain };
    },
    intermediate: (commonName, options = {}) => {
      const own = options.keys ?? keyPair(`${name}/${commonName}`);
      return authority(
        `${name}/${commonName}`,
        own,
        certify(own, { ...options, commonName }, true, issuer),
        chain,
      );
    },
  };
};

/** A self-signed root. Two of the same name in one test process share their key, not their certificate. */
export const makeAuthority = (
  commonName: string,
  options: Pick<CertificateOptions, 'notBefore' | 'notAfter' | 'keys'> = {},
): Authority => {
  const keys = options.keys ?? keyPair(commonName);
  return authority(commonName, keys, certify(keys, { ...options, commonName }, true), 'root');
};
