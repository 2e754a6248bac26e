import { constants, type KeyObject, verify } from 'node:crypto';
import { type DerNode, elements, expect, oid, TAG } from './der.ts';

/**
 * What a signature is made over, by object identifiers as the hexadecimal of their bytes. What is not here is not allowed;
 * go-choria's list is the same.
 */
const ALLOWED: ReadonlyMap<string, string | undefined> = new Map([
  // RSA PKCS#1 v1.5
  ['2a864886f70d01010b', 'sha256'],
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  // ECDSA
  ['2a8648ce3d040302', 'sha256'],
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
  // Ed25519
  ['2b6570', undefined],
]);

const PSS = '2a864886f70d01010a';
const MGF1 = '2a864886f70d010108';
/** What stands in place of them where they are left out is SHA-1. */
const PSS_DIGESTS: ReadonlyMap<string, string> = new Map([
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
]);

const PSS_DIGEST = 0xa0;
const PSS_MASK = 0xa1;

const firstOid = (sequence: DerNode | undefined): string => oid(elements(expect(sequence, TAG.sequence))[0]);

/** The digest, which has to be that of the mask too; undefined where it is not allowed. */
const pssDigest = (parameters: DerNode | undefined): string | undefined => {
  const fields = parameters?.tag === TAG.sequence ? elements(parameters.content) : [];
  const inside = (tag: number): DerNode | undefined => {
    const field = fields.find((one) => one.tag === tag);
    return field === undefined ? undefined : elements(field.content)[0];
  };
  const [digest, mask] = [inside(PSS_DIGEST), inside(PSS_MASK)];
  if (digest === undefined || mask === undefined) return undefined;
  const [generator, maskDigest] = elements(expect(mask, TAG.sequence));
  const name = firstOid(digest);
  return oid(generator) === MGF1 && firstOid(maskDigest) === name ? PSS_DIGESTS.get(name) : undefined;
};

/**
 * Whether a signature made so proves anything.
 * @param algorithm an AlgorithmIdentifier
 * @throws DerError
 */
export const isStrongSignature = (algorithm: DerNode | undefined): boolean => {
  const [type, parameters] = elements(expect(algorithm, TAG.sequence));
  const name = oid(type);
  return name === PSS ? pssDigest(parameters) !== undefined : ALLOWED.has(name);
};

/**
 * Whether a key has made a signature over some bytes, by an algorithm that is allowed.
 * @param algorithm an AlgorithmIdentifier
 */
export const isSignatureBy = (
  key: KeyObject,
  algorithm: DerNode | undefined,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean => {
  if (!isStrongSignature(algorithm)) return false;
  const [type, parameters] = elements(expect(algorithm, TAG.sequence));
  const isPss = oid(type) === PSS;
  const digest = isPss ? pssDigest(parameters) : ALLOWED.get(oid(type));
  const padding = isPss ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {};
  try {
    return verify(digest, bytes, { key, ...padding }, signature);
  } catch {
    // A key of another kind than the signature.
    return false;
  }
};
