import { generateKeyPairSync, randomBytes } from 'node:crypto';
import forge from 'node-forge';
import { elements, expect, oid, TAG } from './der.ts';
import type { DistinguishedName } from './distinguished-name.ts';

/** An RSA pair as PEM text: PKCS#8 `BEGIN PRIVATE KEY` and SPKI `BEGIN PUBLIC KEY`. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

export type KeyUsage = 'client' | 'server' | 'codeSigning' | 'email';

export interface Validity {
  /** Default: an hour ago. */
  readonly notBefore?: Date;
  /** Default: in a day. */
  readonly notAfter?: Date;
}

export interface CertificateOptions extends Validity {
  /** Absent: a certificate without CN. */
  readonly commonName?: string;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly emails?: readonly string[];
  /** Extended key usages; without any the extension is left out. */
  readonly usages?: readonly KeyUsage[];
  /** Whose name it bears as its issuer's, where that is another's. */
  readonly issuer?: DistinguishedName;
}

export interface AuthorityOptions extends Validity {
  readonly commonName: string;
  /** Default: a new pair. */
  readonly keys?: KeyPair;
}

/** Something that signs certificates: for the demo, for replays and for tests. It keeps no record of them. */
export interface Authority {
  readonly keys: KeyPair;
  /** PEM. */
  readonly certificate: string;
  /**
   * @param publicKey PEM, of an RSA key
   * @returns PEM
   */
  issue(options: CertificateOptions, publicKey: string): string;
  /** An authority below this one. */
  intermediate(options: AuthorityOptions): Authority;
}

export const makeKeyPair = (bits = 2048): KeyPair =>
  generateKeyPairSync('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

const HOUR_MS = 3_600_000;

/** General names of a subjectAltName (RFC 5280, 4.2.1.6). */
const EMAIL = 1;
const DNS = 2;
const IP = 7;

const CA_EXTENSIONS: readonly object[] = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  { name: 'subjectKeyIdentifier' },
];

const extensions = ({ usages = [], ...names }: CertificateOptions): readonly object[] => {
  const altNames = [
    ...(names.emails ?? []).map((value) => ({ type: EMAIL, value })),
    ...(names.dnsNames ?? []).map((value) => ({ type: DNS, value })),
    ...(names.ipAddresses ?? []).map((ip) => ({ type: IP, ip })),
  ];
  const usage = {
    name: 'extKeyUsage',
    clientAuth: usages.includes('client'),
    serverAuth: usages.includes('server'),
    codeSigning: usages.includes('codeSigning'),
    emailProtection: usages.includes('email'),
  };
  return [
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    ...(usages.length > 0 ? [usage] : []),
    ...(altNames.length > 0 ? [{ name: 'subjectAltName', altNames }] : []),
  ];
};

const UNIVERSAL_PRIMITIVE = 0x1f;

/** As node-forge writes them. It reads none itself of certificates whose key is not RSA's. */
const attributesOf = ({ der }: DistinguishedName): forge.pki.CertificateField[] =>
  elements(der).flatMap((rdn) =>
    elements(expect(rdn, TAG.set)).flatMap((attribute): forge.pki.CertificateField[] => {
      const [type, value] = elements(expect(attribute, TAG.sequence));
      if (value === undefined || value.tag > UNIVERSAL_PRIMITIVE) return [];
      return [
        {
          type: forge.asn1.derToOid(Buffer.from(oid(type), 'hex').toString('latin1')),
          value: value.content.toString(value.tag === TAG.utf8String ? 'utf8' : 'latin1'),
          // What node-forge calls a class is the tag.
          valueTagClass: value.tag,
        },
      ];
    }),
  );

interface Signer {
  readonly subject: forge.pki.CertificateField[];
  readonly key: forge.pki.rsa.PrivateKey;
}

const nameOf = (commonName: string | undefined): forge.pki.CertificateField[] =>
  commonName === undefined ? [] : [{ name: 'commonName', value: commonName }];

const certify = (
  { commonName, notBefore, notAfter, issuer }: CertificateOptions,
  content: readonly object[],
  publicKey: string,
  signer: Signer,
): string => {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  // Positive and of fixed length, as DER wants a serial.
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  certificate.validity.notBefore = notBefore ?? new Date(Date.now() - HOUR_MS);
  certificate.validity.notAfter = notAfter ?? new Date(Date.now() + 24 * HOUR_MS);
  certificate.setSubject(nameOf(commonName));
  certificate.setIssuer(issuer === undefined ? signer.subject : attributesOf(issuer));
  certificate.setExtensions([...content]);
  certificate.sign(signer.key, forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
};

const authority = (options: AuthorityOptions, above?: Signer): Authority => {
  const keys = options.keys ?? makeKeyPair();
  const own: Signer = {
    subject: nameOf(options.commonName),
    key: forge.pki.privateKeyFromPem(keys.privateKey),
  };
  return {
    keys,
    certificate: certify(options, CA_EXTENSIONS, keys.publicKey, above ?? own),
    issue: (of, publicKey) => certify(of, extensions(of), publicKey, own),
    intermediate: (below) => authority(below, own),
  };
};

/** A self-signed root. */
export const makeAuthority = (options: AuthorityOptions): Authority => authority(options);
