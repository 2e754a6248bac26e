import { type KeyObject, X509Certificate } from 'node:crypto';
import { Rejection } from '../../envelope/rejection.ts';
import { DerError, type DerNode, elements, expect, oid, TAG, time } from './der.ts';

/** What of a certificate decides whether it is trusted, read from its DER. */
export interface Certificate {
  readonly x509: X509Certificate;
  readonly key: KeyObject;
  /** Common name, then DNS names. Only plain ones of letters, digits, `_ - .` count as names. */
  readonly names: readonly string[];
  /** ms since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** How many further CAs may stand between this one and a caller; -1 where it is no CA at all. */
  readonly pathLength: number;
  /** Whether it may identify a client: extended key usage absent, or with `clientAuth`. */
  readonly clientAuth: boolean;
}

/** RFC 5280's object identifiers, as the hexadecimal of their bytes. */
const OID = {
  commonName: '550403',
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  nameConstraints: '551d1e',
  certificatePolicies: '551d20',
  extendedKeyUsage: '551d25',
  anyUsage: '551d2500',
  clientAuth: '2b06010505070302',
} as const;

/** Signatures with MD2, MD5 or SHA-1, which can be forged; go-choria refuses them too. */
const WEAK_SIGNATURES: ReadonlySet<string> = new Set([
  '2a864886f70d010102',
  '2a864886f70d010104',
  '2a864886f70d010105',
  '2a8648ce3d0401',
  '2a8648ce380403',
]);

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

const commonNames = (subject: Buffer): readonly string[] =>
  elements(subject)
    .flatMap((rdn) => elements(expect(rdn, TAG.set)))
    .map((attribute) => elements(expect(attribute, TAG.sequence)))
    .filter(([type]) => oid(type) === OID.commonName)
    .map(([, value]) => {
      const readable = [TAG.utf8String, TAG.printableString, TAG.ia5String].some((tag) => tag === value?.tag);
      if (value === undefined || !readable) throw new DerError('its common name is not of a known text type');
      return value.content.toString('utf8');
    });

const readExtensions = (node: DerNode | undefined): ReadonlyMap<string, Buffer> => {
  const found = new Map<string, Buffer>();
  if (node === undefined) return found;
  for (const extension of elements(expect(elements(node.content)[0], TAG.sequence))) {
    const parts = elements(expect(extension, TAG.sequence));
    const id = oid(parts[0]);
    const critical = parts[1]?.tag === TAG.boolean && parts[1].content[0] !== 0;
    if (found.has(id)) throw new DerError('it has an extension twice');
    if (id === OID.nameConstraints || (critical && !UNDERSTOOD.has(id)))
      throw new DerError('it has a critical extension that is not supported');
    found.set(id, expect(parts.at(-1), TAG.octetString));
  }
  return found;
};

const sequenceOf = (bytes: Buffer | undefined): readonly DerNode[] =>
  bytes === undefined ? [] : elements(expect(elements(bytes)[0], TAG.sequence));

const readPathLength = (x509: X509Certificate, constraints: readonly DerNode[]): number => {
  // OpenSSL's word includes the key usage; it also says no to the CAs of version 1, which have no constraints.
  if (!x509.ca) return -1;
  const limit = constraints.find((node) => node.tag === TAG.integer)?.content;
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (limit.length !== 1) throw new DerError('its path length is out of range');
  return limit.readInt8(0);
};

const read = (x509: X509Certificate): Certificate => {
  const tbs = elements(expect(elements(expect(elements(x509.raw)[0], TAG.sequence))[0], TAG.sequence));
  const fields = tbs[0]?.tag === VERSION ? tbs.slice(1) : tbs;
  const [, signature, , validity, subject] = fields;
  if (WEAK_SIGNATURES.has(oid(elements(expect(signature, TAG.sequence))[0])))
    throw new DerError('it is signed with MD5 or SHA-1');
  const common = commonNames(expect(subject, TAG.sequence));
  if (common.length > 1) throw new DerError('it has more than one common name');
  const [from, until] = elements(expect(validity, TAG.sequence));
  const extensions = readExtensions(fields.find((node) => node.tag === EXTENSIONS));
  const dns = sequenceOf(extensions.get(OID.subjectAltName)).filter((name) => name.tag === DNS_NAME);
  const usage = sequenceOf(extensions.get(OID.extendedKeyUsage)).map(oid);
  return {
    x509,
    key: x509.publicKey,
    names: [...common, ...dns.map((name) => name.content.toString('latin1'))].filter((name) =>
      PLAIN_NAME.test(name),
    ),
    notBefore: time(from),
    notAfter: time(until),
    pathLength: readPathLength(x509, sequenceOf(extensions.get(OID.basicConstraints))),
    clientAuth:
      !extensions.has(OID.extendedKeyUsage) || usage.includes(OID.clientAuth) || usage.includes(OID.anyUsage),
  };
};

const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';

const blocks = (pem: string): readonly string[] => {
  const found: string[] = [];
  for (let start = pem.indexOf(BEGIN); start !== -1; ) {
    const end = pem.indexOf(END, start);
    if (end === -1) throw new DerError('it has no end');
    found.push(pem.slice(start, end + END.length));
    start = pem.indexOf(BEGIN, end);
  }
  return found;
};

/**
 * The certificates of a PEM text, in order.
 * @param what names the text in the sentence of the rejection
 * @throws Rejection `untrusted_certificate` where there are none, or more than `max`, or one that cannot be read
 */
export const parseCertificates = (pem: string, what: string, max: number): readonly Certificate[] => {
  const untrusted = (why: string, cause?: unknown): Rejection =>
    new Rejection('untrusted_certificate', `${what} cannot be used: ${why}`, {}, { cause });
  let texts: readonly string[];
  let certificates: readonly Certificate[];
  try {
    texts = blocks(pem);
    if (texts.length > max) throw new DerError(`it has more than ${max} certificates`);
    certificates = texts.map((text) => read(new X509Certificate(text)));
  } catch (error) {
    throw untrusted(error instanceof DerError ? error.message : 'it is not a valid certificate', error);
  }
  if (certificates.length === 0) throw untrusted('there is no PEM certificate in it');
  return certificates;
};

/** A certificate's name for a sentence: the first plain one, or its serial number. */
export const label = (certificate: Certificate): string =>
  certificate.names[0] ?? `serial ${certificate.x509.serialNumber}`;

/**
 * The names that the first certificate of a PEM text proves: its common name and DNS names.
 * @throws Rejection `untrusted_certificate`
 */
export const certificateNames = (pem: string): readonly string[] =>
  parseCertificates(pem, 'the certificate', Number.POSITIVE_INFINITY)[0]?.names ?? [];
