import { verify } from 'node:crypto';
import {
  decodeRequest,
  decodeSecureRequest,
  decodeTransport,
  type SecureRequest,
  transportData,
} from '../../adapters/choria/wire/index.ts';
import { tryDecodeBase64 } from '../../codec/base64.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { certificatesIn } from '../../inspect/certificate.ts';
import type { Certificate } from '../../pki/certificate.ts';

const NO_LIMIT = { maxBytes: Number.POSITIVE_INFINITY };

const orNone = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch (error) {
    if (error instanceof Rejection) return undefined;
    throw error;
  }
};

/** The secure message in a transport message of either protocol; undefined where there is none. */
export const carriedIn = (body: Buffer): Buffer | undefined =>
  body[0] === 0x7b ? orNone(() => transportData(decodeTransport(body, NO_LIMIT).content).data) : undefined;

/** What is wrong with how the bridge has signed a request. */
export interface RequestFlaw {
  readonly of: 'signature' | 'certificate';
  readonly state: 'invalid' | 'unverified';
  readonly reason: string;
}

const isSame = (some: readonly Certificate[], others: readonly Certificate[]): boolean =>
  some.length === others.length &&
  some.every(({ x509 }, i) => x509.raw.equals(others[i]?.x509.raw ?? x509.raw));

const signatureFlaw = ({ message, signature }: SecureRequest, by: Certificate): RequestFlaw | undefined => {
  const bytes = tryDecodeBase64(signature);
  if (bytes === undefined) return { of: 'signature', state: 'unverified', reason: 'it is not base64' };
  return verify('sha256', Buffer.from(message), by.key, bytes)
    ? undefined
    : { of: 'signature', state: 'invalid', reason: 'it does not match the request and the certificate' };
};

/** Those that the bridge may send along with a request of this caller: each a certificate and what comes after it. */
export type OwnCertificates = (callerId: string) => readonly (readonly Certificate[])[];

/**
 * Why a secure request is not one that the bridge has signed with its certificate; undefined where it is one.
 * @param own undefined where it only passes on what others signed
 */
export const flawOfRequest = (
  carried: Buffer | undefined,
  own: OwnCertificates | undefined,
): RequestFlaw | undefined => {
  const secure = carried && orNone(() => decodeSecureRequest(carried));
  if (secure === undefined) return { of: 'signature', state: 'unverified', reason: 'the message is damaged' };
  if (own === undefined)
    return { of: 'signature', state: 'unverified', reason: 'the request is not as its sender signed it' };
  const given = certificatesIn(secure.pubcert);
  const [leaf] = given;
  if (leaf === undefined)
    return { of: 'certificate', state: 'unverified', reason: 'there is none that can be read' };
  const callerId = orNone(() => decodeRequest(secure.message).callerId) ?? '';
  if (!own(callerId).some((one) => isSame(given, one)))
    return { of: 'certificate', state: 'unverified', reason: 'it is not one that the bridge signs with' };
  return signatureFlaw(secure, leaf);
};
