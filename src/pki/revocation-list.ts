import { createHash } from 'node:crypto';
import { shown } from '../codec/shown.ts';
import type { Certificate } from './certificate.ts';
import { CertificateError } from './certificate-error.ts';
import { DerError, type DerNode, elements, expect, spanAt, TAG, time } from './der.ts';
import { type DistinguishedName, distinguishedName } from './distinguished-name.ts';
import { pemBlocks } from './pem-blocks.ts';
import { type Entries, type Revoked, readEntries } from './revocation-entries.ts';
import { type ListScope, readListExtensions } from './revocation-scope.ts';
import { isSignatureBy, isStrongSignature } from './signature-algorithm.ts';

/** What an issuer says of its certificates that are revoked: a CRL of RFC 5280, version 1 or 2. */
export interface RevocationList {
  readonly issuer: DistinguishedName;
  /** Ms since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Which certificates of the issuer it tells of. */
  readonly scope: ListScope;
  /** How many it revokes. */
  readonly size: number;
  /** @param serialId as {@link Certificate} has it */
  find(serialId: string): Revoked | undefined;
  /** Whether this certificate's key has signed it. The answer is remembered: a list may have millions of bytes. */
  isSignedBy(signer: Certificate): boolean;
}

export interface ListLimits {
  readonly maxBytes: number;
  readonly maxLists: number;
  /** Of one list. */
  readonly maxEntries: number;
}

/** Much more than any CA of Puppet has: what is configured by mistake must not take all memory. */
export const LIST_LIMITS: ListLimits = { maxBytes: 64 * 1024 ** 2, maxLists: 100, maxEntries: 1_000_000 };

const EXTENSIONS = 0xa0;
const VERSION_2 = 1;
/** Signers of one name that are remembered: a CA and its renewed certificates. */
const MAX_SIGNERS = 64;

/** Remembers by the certificate itself, and for others of the same bytes, which come with each message. */
const remembered = (check: (signer: Certificate) => boolean): ((signer: Certificate) => boolean) => {
  const known = new WeakMap<Certificate, boolean>();
  const byDer = new Map<string, boolean>();
  return (signer) => {
    const seen = known.get(signer);
    if (seen !== undefined) return seen;
    const id = createHash('sha256').update(signer.der).digest('base64');
    const verdict = byDer.get(id) ?? check(signer);
    if (byDer.size === MAX_SIGNERS) byDer.clear();
    byDer.set(id, verdict);
    known.set(signer, verdict);
    return verdict;
  };
};

interface Fields {
  readonly version: Buffer | undefined;
  readonly algorithm: DerNode;
  readonly issuer: Buffer;
  readonly thisUpdate: DerNode;
  readonly nextUpdate: DerNode | undefined;
  readonly entries: DerNode | undefined;
  readonly extensions: DerNode | undefined;
}

const fieldsOf = (tbs: Buffer): Fields => {
  const left = [...elements(tbs)];
  const next = (...tags: readonly number[]): DerNode | undefined =>
    left[0] !== undefined && tags.includes(left[0].tag) ? left.shift() : undefined;
  const needed = (...tags: readonly number[]): DerNode => {
    const found = next(...tags);
    if (found === undefined) throw new DerError('a field is missing in the DER');
    return found;
  };
  const fields = {
    version: next(TAG.integer)?.content,
    algorithm: needed(TAG.sequence),
    issuer: needed(TAG.sequence).content,
    thisUpdate: needed(TAG.utcTime, TAG.generalizedTime),
    nextUpdate: next(TAG.utcTime, TAG.generalizedTime),
    entries: next(TAG.sequence),
    extensions: next(EXTENSIONS),
  };
  if (left.length > 0) throw new DerError('the DER has a field where none belongs');
  return fields;
};

/** @throws CertificateError, DerError */
const readList = (der: Buffer, { maxEntries }: ListLimits): RevocationList => {
  const whole = spanAt(der, 0);
  if (whole.tag !== TAG.sequence || whole.end !== der.length)
    throw new DerError('something follows the DER, or it is of another kind');
  const tbs = spanAt(der, whole.start, whole.end);
  const [, algorithm, bits, ...more] = elements(der.subarray(whole.start, whole.end));
  if (tbs.tag !== TAG.sequence || more.length > 0) throw new DerError('the DER is of another kind');
  const fields = fieldsOf(der.subarray(tbs.start, tbs.end));
  const signature = expect(bits, TAG.bitString);
  if (!fields.algorithm.content.equals(expect(algorithm, TAG.sequence)))
    throw new CertificateError('it names two algorithms of its signature');
  if (!isStrongSignature(algorithm))
    throw new CertificateError('it is not signed with SHA-256, SHA-384, SHA-512 or Ed25519');
  const { version } = fields;
  if (version !== undefined && (version.length !== 1 || version[0] !== VERSION_2))
    throw new CertificateError('it is of an unknown version');
  if (version === undefined && fields.extensions !== undefined)
    throw new CertificateError('it has extensions, and is not of version 2');
  if (fields.nextUpdate === undefined)
    throw new CertificateError(
      'it does not say when the next one comes, so nobody can tell whether it is old',
    );
  const issuer = distinguishedName(fields.issuer);
  const entries: Entries = readEntries(fields.entries?.content, {
    maxEntries,
    mayExtend: version !== undefined,
  });
  return {
    issuer,
    thisUpdate: time(fields.thisUpdate),
    nextUpdate: time(fields.nextUpdate),
    scope: readListExtensions(fields.extensions, issuer),
    size: entries.size,
    find: entries.find,
    isSignedBy: remembered((signer) =>
      isSignatureBy(signer.key, algorithm, der.subarray(whole.start, tbs.end), signature.subarray(1)),
    ),
  };
};

const isDer = (bytes: Buffer): boolean => bytes[0] === TAG.sequence;

/**
 * The lists in a file: one in DER, or any number in PEM, as Puppet's `crl.pem` has those of its root and its intermediate CA.
 * @throws Error whose sentence goes on from what the file is called
 */
export const parseRevocationLists = (
  bytes: Buffer,
  limits: ListLimits = LIST_LIMITS,
): readonly RevocationList[] => {
  const { maxBytes, maxLists: max } = limits;
  if (bytes.length > maxBytes) throw new CertificateError(`it has more than ${maxBytes} bytes`);
  const ders = isDer(bytes)
    ? [bytes]
    : pemBlocks(bytes.toString('latin1'), { label: 'X509 CRL', max, called: 'revocation lists' });
  if (ders.length === 0) throw new CertificateError('it holds no revocation list (BEGIN X509 CRL)');
  return ders.map((der) => {
    try {
      return readList(der, limits);
    } catch (error) {
      if (error instanceof DerError)
        throw new CertificateError(`a revocation list in it is damaged (${error.message})`);
      throw error;
    }
  });
};

/** Whose list it is, for a sentence. */
export const listLabel = ({ issuer }: Pick<RevocationList, 'issuer'>): string =>
  shown(issuer.commonNames[0] ?? issuer.text);
