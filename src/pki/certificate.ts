import { type KeyObject, X509Certificate } from 'node:crypto';
import { shown } from '../codec/shown.ts';
import { Rejection } from '../envelope/rejection.ts';
import { cut } from '../envelope/text.ts';
import { CertificateError } from './certificate-error.ts';
import { DerError, type DerNode, elements, expect, integerId, oid, TAG, time } from './der.ts';
import { type DistinguishedName, distinguishedName } from './distinguished-name.ts';
import { extensionsIn } from './extensions.ts';
import { pemBlocks } from './pem-blocks.ts';
import { type PublicKeyInfo, publicKeyInfo } from './public-key.ts';
import { isStrongSignature } from './signature-algorithm.ts';

/** What of a certificate decides whether it is trusted, read from its DER. */
interface CertificateFields {
  readonly der: Buffer;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  /** Hexadecimal, for sentences. */
  readonly serial: string;
  /** As revocation lists name it. */
  readonly serialId: string;
  readonly keyInfo: PublicKeyInfo;
  /** Whether its own signature is by an algorithm that is allowed; that of a configured CA proves nothing anyway. */
  readonly isSignedStrongly: boolean;
  /** Common name, then DNS names. Only plain ones of letters, digits, `_ - .` count as names. */
  readonly names: readonly string[];
  /** ms since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** How many further CAs may stand between this one and a caller; -1 where it is no CA at all. */
  readonly pathLength: number;
  /** Whether its key usage says that it signs revocation lists; undefined where it says nothing of its use. */
  readonly signsLists: boolean | undefined;
  /** Its extension of that name, as it stands: few revocation lists ask for it. */
  readonly distributionPoints: Buffer | undefined;
  /** Whether it may identify a client: extended key usage absent, or with `clientAuth`. */
  readonly clientAuth: boolean;
}

export interface Certificate extends CertificateFields {
  /**
   * As OpenSSL reads it, with its key decoded, which is most of what a certificate costs: made when it is first needed.
   * @throws Rejection `untrusted_certificate` where it cannot
   */
  readonly x509: X509Certificate;
  readonly key: KeyObject;
}

/** RFC 5280's object identifiers, as the hexadecimal of their bytes. */
const OID = {
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  nameConstraints: '551d1e',
  distributionPoints: '551d1f',
  certificatePolicies: '551d20',
  policyConstraints: '551d24',
  extendedKeyUsage: '551d25',
  anyUsage: '551d2500',
  clientAuth: '2b06010505070302',
} as const;

/** What takes trust away, and is refused even where it is not marked as critical, as RFC 5280 wants it to be. */
const REFUSED: ReadonlySet<string> = new Set([OID.nameConstraints, OID.policyConstraints]);

/** A critical extension that is not understood must be refused (RFC 5280, 4.2). */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  OID.keyUsage,
  OID.subjectAltName,
  OID.basicConstraints,
  OID.certificatePolicies,
  OID.extendedKeyUsage,
]);

const PLAIN_NAME = /^[\w.-]{1,255}$/;
const DNS_NAME = 0x82;
const EXTENSIONS = 0xa3;
const VERSION = 0xa0;
const VERSION_3 = 2;
const KEY_CERT_SIGN = 0x04;
const LIST_SIGN = 0x02;

/** Of one certificate; real ones have one to five thousand. */
const MAX_BYTES = 16 * 1024;
/** Bytes of a name in a sentence. It is the sender's own, and may be as long as the certificate. */
const MAX_NAME_BYTES = 128;
/** Hexadecimal digits of a serial number, as RFC 5280 allows them. */
const MAX_SERIAL_DIGITS = 40;

const readExtensions = (node: DerNode | undefined): ReadonlyMap<string, Buffer> => {
  const found = new Map<string, Buffer>();
  if (node === undefined) return found;
  for (const { id, isCritical, last } of extensionsIn(node)) {
    if (REFUSED.has(id) || (isCritical && !UNDERSTOOD.has(id)))
      throw new CertificateError('it has an extension that is not supported');
    found.set(id, expect(last, TAG.octetString));
  }
  return found;
};

const sequenceOf = (bytes: Buffer | undefined): readonly DerNode[] =>
  bytes === undefined ? [] : elements(expect(elements(bytes)[0], TAG.sequence));

/** The first eight bits of a key usage. */
const usageBits = (keyUsage: Buffer): number => expect(elements(keyUsage)[0], TAG.bitString)[1] ?? 0;

/** Whether keys of version 3 certificates with these extensions sign others; as OpenSSL's `X509_check_ca`, without its exceptions. */
const isCa = (constraints: readonly DerNode[], keyUsage: Buffer | undefined): boolean => {
  const [ca] = constraints;
  if (ca?.tag !== TAG.boolean || ca.content[0] === 0) return false;
  if (keyUsage === undefined) return true;
  return (usageBits(keyUsage) & KEY_CERT_SIGN) !== 0;
};

const readPathLength = (constraints: readonly DerNode[]): number => {
  const limit = constraints.find((node) => node.tag === TAG.integer)?.content;
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (limit.length !== 1) throw new CertificateError('its path length is out of range');
  return limit.readInt8(0);
};

const isVersion3 = (version: DerNode | undefined): boolean =>
  version?.tag === VERSION && expect(elements(version.content)[0], TAG.integer)[0] === VERSION_3;

const readFields = (der: Buffer): CertificateFields => {
  if (der.length > MAX_BYTES) throw new CertificateError(`it has more than ${MAX_BYTES} bytes`);
  const [whole, ...more] = elements(der);
  if (more.length > 0) throw new DerError('something follows the DER');
  const [tbs, outerAlgorithm] = elements(expect(whole, TAG.sequence));
  const [version, ...others] = elements(expect(tbs, TAG.sequence));
  const fields = version?.tag === VERSION ? others : [version, ...others];
  const [serial, algorithm, issuer, validity, subject, key] = fields;
  if (!expect(algorithm, TAG.sequence).equals(expect(outerAlgorithm, TAG.sequence)))
    throw new CertificateError('it names two algorithms of its signature');
  const owner = distinguishedName(expect(subject, TAG.sequence));
  if (owner.commonNames.length > 1) throw new CertificateError('it has more than one common name');
  const [from, until] = elements(expect(validity, TAG.sequence));
  const extended = fields.find((node) => node?.tag === EXTENSIONS);
  if (extended !== undefined && !isVersion3(version))
    throw new CertificateError('it has extensions, and is not of version 3');
  const extensions = readExtensions(extended);
  const dns = sequenceOf(extensions.get(OID.subjectAltName)).filter((name) => name.tag === DNS_NAME);
  const usage = sequenceOf(extensions.get(OID.extendedKeyUsage)).map(oid);
  const constraints = sequenceOf(extensions.get(OID.basicConstraints));
  const keyUsage = extensions.get(OID.keyUsage);
  return {
    der,
    issuer: distinguishedName(expect(issuer, TAG.sequence)),
    subject: owner,
    serial: expect(serial, TAG.integer).toString('hex').replace(/^00/, '').toUpperCase(),
    serialId: integerId(expect(serial, TAG.integer)),
    keyInfo: publicKeyInfo(expect(key, TAG.sequence)),
    isSignedStrongly: isStrongSignature(algorithm),
    names: [...owner.commonNames, ...dns.map((name) => name.content.toString('latin1'))].filter((name) =>
      PLAIN_NAME.test(name),
    ),
    notBefore: time(from),
    notAfter: time(until),
    pathLength: isCa(constraints, keyUsage) ? readPathLength(constraints) : -1,
    signsLists: keyUsage === undefined ? undefined : (usageBits(keyUsage) & LIST_SIGN) !== 0,
    distributionPoints: extensions.get(OID.distributionPoints),
    clientAuth:
      !extensions.has(OID.extendedKeyUsage) || usage.includes(OID.clientAuth) || usage.includes(OID.anyUsage),
  };
};

const untrusted = (what: string, why: string, cause?: unknown): Rejection =>
  new Rejection('untrusted_certificate', `${what} cannot be used: ${why}`, {}, { cause });

const untrustedBy = (error: unknown, what: string): Rejection => {
  if (error instanceof CertificateError) return untrusted(what, error.message, error);
  const why = error instanceof DerError ? ` (${error.message})` : '';
  return untrusted(what, `it is not a valid certificate${why}`, error);
};

const withOpenSsl = (fields: CertificateFields, what: string): Certificate => {
  let x509: X509Certificate | undefined;
  let key: KeyObject | undefined;
  const read = <T>(make: () => T): T => {
    try {
      return make();
    } catch (error) {
      throw untrusted(what, 'it is not a valid certificate', error);
    }
  };
  return {
    ...fields,
    get x509() {
      x509 ??= read(() => new X509Certificate(fields.der));
      return x509;
    },
    get key() {
      key ??= read(() => this.x509.publicKey);
      return key;
    },
  };
};

/** Of one caller: its own, and the CAs between it and a configured one. */
const MAX_CERTIFICATES = 8;

/**
 * The certificates of a PEM text, in order.
 * @param what names the text in the sentence of the rejection
 * @throws Rejection `untrusted_certificate` where there are none, or more than `max`, or one that cannot be read
 */
export const parseCertificates = (
  pem: string,
  what: string,
  max = MAX_CERTIFICATES,
): readonly Certificate[] => {
  let certificates: readonly Certificate[];
  try {
    certificates = pemBlocks(pem, { label: 'CERTIFICATE', max, called: 'certificates' }).map((der) =>
      withOpenSsl(readFields(der), what),
    );
  } catch (error) {
    throw untrustedBy(error, what);
  }
  if (certificates.length === 0) throw untrusted(what, 'there is no PEM certificate in it');
  return certificates;
};

/**
 * One certificate.
 * @param what names it in the sentence of the rejection
 * @throws Rejection `untrusted_certificate`
 */
export const certificateOf = (der: Buffer, what: string): Certificate => {
  try {
    return withOpenSsl(readFields(der), what);
  } catch (error) {
    throw untrustedBy(error, what);
  }
};

/** A certificate's name for a sentence: the first plain one, or its serial number. */
export const label = ({ names, serial }: CertificateFields): string =>
  names[0] === undefined ? `serial ${serial.slice(0, MAX_SERIAL_DIGITS)}` : cut(names[0], MAX_NAME_BYTES);

/** Whose the issuer is, for a sentence. */
export const issuerText = ({ issuer }: CertificateFields): string => shown(issuer.text);

/**
 * The names that the first certificate of a PEM text proves: its common name and DNS names.
 * @throws Rejection `untrusted_certificate`
 */
export const certificateNames = (pem: string): readonly string[] =>
  parseCertificates(pem, 'the certificate', Number.POSITIVE_INFINITY)[0]?.names ?? [];
