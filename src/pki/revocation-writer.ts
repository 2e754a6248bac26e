import { createPrivateKey, sign } from 'node:crypto';
import type { Authority } from './authority.ts';
import { parseCertificates } from './certificate.ts';
import { TAG } from './der.ts';

/** A certificate that a list is to revoke. */
export interface ToRevoke {
  /** PEM. */
  readonly certificate: string;
  /** Ms since the epoch. */
  readonly date: number;
  /** A CRLReason, where there is one. */
  readonly code?: number | undefined;
}

export interface ListDates {
  /** Ms since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

/** sha256WithRSAEncryption. */
const ALGORITHM = Buffer.from('2a864886f70d01010b', 'hex');
/** id-ce-cRLReasons. */
const REASON = Buffer.from('551d15', 'hex');
const MAX_SHORT_LENGTH = 0x7f;

const lengthOf = (length: number): Buffer => {
  if (length <= MAX_SHORT_LENGTH) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
};

const element = (tag: number, ...content: readonly Buffer[]): Buffer => {
  const whole = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(whole.length), whole]);
};

const timeOf = (ms: number): Buffer =>
  element(TAG.generalizedTime, Buffer.from(new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')));

const reasonOf = (code: number): Buffer =>
  element(
    TAG.sequence,
    element(TAG.oid, REASON),
    element(TAG.octetString, element(TAG.enumerated, Buffer.from([code]))),
  );

const readOne = (pem: string) => {
  const [certificate] = parseCertificates(pem, 'the certificate');
  if (certificate === undefined) throw new Error('there is no certificate');
  return certificate;
};

/**
 * A revocation list (RFC 5280, version 2) that an authority has signed: for replays, as {@link Authority} is.
 * @returns PEM
 */
export const makeRevocationList = (
  { certificate, keys }: Pick<Authority, 'certificate' | 'keys'>,
  revoked: readonly ToRevoke[],
  { thisUpdate, nextUpdate }: ListDates,
): string => {
  const entries = revoked.map(({ certificate: pem, date, code }) =>
    element(
      TAG.sequence,
      element(TAG.integer, Buffer.from(readOne(pem).serialId, 'hex')),
      timeOf(date),
      ...(code === undefined ? [] : [element(TAG.sequence, reasonOf(code))]),
    ),
  );
  const algorithm = element(TAG.sequence, element(TAG.oid, ALGORITHM), element(0x05));
  const told = element(
    TAG.sequence,
    element(TAG.integer, Buffer.from([1])),
    algorithm,
    element(TAG.sequence, readOne(certificate).subject.der),
    timeOf(thisUpdate),
    timeOf(nextUpdate),
    // An empty one is not allowed.
    ...(entries.length === 0 ? [] : [element(TAG.sequence, ...entries)]),
  );
  const signature = sign('sha256', told, createPrivateKey(keys.privateKey));
  const der = element(TAG.sequence, told, algorithm, element(TAG.bitString, Buffer.from([0]), signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN X509 CRL-----\n${lines.join('\n')}\n-----END X509 CRL-----\n`;
};
