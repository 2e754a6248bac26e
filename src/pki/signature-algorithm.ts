import { type DerNode, elements, expect, oid, TAG } from './der.ts';

/** Object identifiers as the hexadecimal of their bytes. What is not here is not allowed; go-choria's list is the same. */
const ALLOWED: ReadonlySet<string> = new Set([
  // RSA PKCS#1 v1.5 with SHA-256, SHA-384, SHA-512
  '2a864886f70d01010b',
  '2a864886f70d01010c',
  '2a864886f70d01010d',
  // ECDSA with the same
  '2a8648ce3d040302',
  '2a8648ce3d040303',
  '2a8648ce3d040304',
  // Ed25519
  '2b6570',
]);

const PSS = '2a864886f70d01010a';
const MGF1 = '2a864886f70d010108';
/** SHA-256, SHA-384, SHA-512: what stands in place of them where they are left out is SHA-1. */
const PSS_DIGESTS: ReadonlySet<string> = new Set([
  '608648016503040201',
  '608648016503040202',
  '608648016503040203',
]);

const PSS_DIGEST = 0xa0;
const PSS_MASK = 0xa1;

const firstOid = (sequence: DerNode | undefined): string => oid(elements(expect(sequence, TAG.sequence))[0]);

const isStrongPss = (parameters: DerNode | undefined): boolean => {
  const fields = parameters?.tag === TAG.sequence ? elements(parameters.content) : [];
  const inside = (tag: number): DerNode | undefined => {
    const field = fields.find((one) => one.tag === tag);
    return field === undefined ? undefined : elements(field.content)[0];
  };
  const [digest, mask] = [inside(PSS_DIGEST), inside(PSS_MASK)];
  if (digest === undefined || mask === undefined) return false;
  const [generator, maskDigest] = elements(expect(mask, TAG.sequence));
  const name = firstOid(digest);
  return PSS_DIGESTS.has(name) && oid(generator) === MGF1 && firstOid(maskDigest) === name;
};

/**
 * Whether a signature made so proves anything.
 * @param algorithm an AlgorithmIdentifier
 * @throws DerError
 */
export const isStrongSignature = (algorithm: DerNode | undefined): boolean => {
  const [type, parameters] = elements(expect(algorithm, TAG.sequence));
  const name = oid(type);
  return name === PSS ? isStrongPss(parameters) : ALLOWED.has(name);
};
