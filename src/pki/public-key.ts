import { elements, expect, oid, TAG } from './der.ts';

/** The least that NIST SP 800-131A and Puppet's own CA allow, and the most: time grows with the square of it. */
const MIN_BITS = 2048;
const MAX_BITS = 8192;
/** Of the public exponent, 65537 in practice: checking a signature takes a multiplication for each of its bits. */
const MAX_EXPONENT_BITS = 32;

const RSA = '2a864886f70d010101';
const EC = '2a8648ce3d0201';
/** Curves by name alone: one that is spelt out can be of any size. */
const CURVES: ReadonlySet<string> = new Set(['2a8648ce3d030107', '2b81040022', '2b81040023']);
const ED25519 = '2b6570';

/** What a certificate says of its key, read before the key is used for anything. */
export interface PublicKeyInfo {
  readonly kind: 'rsa' | 'other';
  /** Why no signature is checked with it; undefined where nothing speaks against that. */
  readonly problem: string | undefined;
}

const bitsOf = (integer: Buffer): number => {
  const at = integer.findIndex((byte) => byte !== 0);
  return at === -1 ? 0 : (integer.length - at) * 8 - Math.clz32(integer[at] ?? 0) + 24;
};

const rsaProblem = (bits: Buffer): string | undefined => {
  const [modulus, exponent] = elements(expect(elements(bits.subarray(1))[0], TAG.sequence)).map((node) =>
    expect(node, TAG.integer),
  );
  if (modulus === undefined || exponent === undefined) return 'is no RSA key';
  const size = bitsOf(modulus);
  if (size < MIN_BITS) return `is too short: it has ${size} bits, and ${MIN_BITS} bits are the least`;
  if (size > MAX_BITS) return `is too long: it has ${size} bits, and ${MAX_BITS} bits are the most`;
  const exponentSize = bitsOf(exponent);
  if (exponentSize > MAX_EXPONENT_BITS)
    return `has a public exponent of ${exponentSize} bits, and ${MAX_EXPONENT_BITS} bits are the most`;
  return undefined;
};

/** @param spki the content of a SubjectPublicKeyInfo. @throws DerError */
export const publicKeyInfo = (spki: Buffer): PublicKeyInfo => {
  const [algorithm, key] = elements(spki);
  const [type, parameters] = elements(expect(algorithm, TAG.sequence));
  const bits = expect(key, TAG.bitString);
  switch (oid(type)) {
    case RSA:
      return { kind: 'rsa', problem: rsaProblem(bits) };
    case EC:
      return {
        kind: 'other',
        problem:
          parameters?.tag === TAG.oid && CURVES.has(oid(parameters))
            ? undefined
            : 'is on none of the curves P-256, P-384 and P-521',
      };
    case ED25519:
      return { kind: 'other', problem: undefined };
    default:
      return { kind: 'other', problem: 'is of none of the kinds RSA, ECDSA and Ed25519' };
  }
};
