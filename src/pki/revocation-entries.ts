import { CertificateError } from './certificate-error.ts';
import { DerError, type DerSpan, integerId, spanAt, TAG, time } from './der.ts';

/** A certificate that its issuer has revoked. */
export interface Revoked {
  /** Ms since the epoch. */
  readonly date: number;
  /** In words, where the list gives one: `its key was compromised`. */
  readonly reason: string | undefined;
  /** The same as the list has it: a CRLReason. */
  readonly code: number | undefined;
}

export interface Entries {
  readonly size: number;
  find(serialId: string): Revoked | undefined;
}

const REASON = '551d15';
const CERTIFICATE_ISSUER = '551d1d';
/** Of these a critical one is understood; what the others say changes nothing. */
const UNDERSTOOD: ReadonlySet<string> = new Set([REASON]);

/** CRLReason (RFC 5280, 5.3.1). */
const REASONS: ReadonlyMap<number, string> = new Map([
  [1, 'its key was compromised'],
  [2, 'the key of its CA was compromised'],
  [3, 'its holder has changed'],
  [4, 'another one has replaced it'],
  [5, 'it is no longer needed'],
  [6, 'it is on hold'],
  [9, 'what it allowed was withdrawn'],
  [10, 'the key of an authority was compromised'],
]);
const REMOVED_FROM_LIST = 8;

/** Where the parts of an entry are: it has two or three. */
interface Entry {
  readonly serial: DerSpan;
  readonly date: DerSpan;
  readonly extensions: DerSpan | undefined;
}

const tagged = (span: DerSpan, tag: number): DerSpan => {
  if (span.tag !== tag) throw new DerError(`the DER has no element of tag ${tag} where one belongs`);
  return span;
};

const entryAt = (bytes: Buffer, { start, end }: DerSpan): Entry => {
  const serial = tagged(spanAt(bytes, start, end), TAG.integer);
  const date = spanAt(bytes, serial.end, end);
  const extensions = date.end === end ? undefined : tagged(spanAt(bytes, date.end, end), TAG.sequence);
  if (extensions !== undefined && extensions.end !== end) throw new DerError('an entry has too many fields');
  return { serial, date, extensions };
};

/** The code of an entry's reason; undefined where it gives none. */
const reasonIn = (bytes: Buffer, extensions: DerSpan): number | undefined => {
  let reason: number | undefined;
  for (let at = extensions.start; at < extensions.end; ) {
    const extension = tagged(spanAt(bytes, at, extensions.end), TAG.sequence);
    at = extension.end;
    const id = tagged(spanAt(bytes, extension.start, extension.end), TAG.oid);
    const second = spanAt(bytes, id.end, extension.end);
    const isCritical = second.tag === TAG.boolean && bytes[second.start] !== 0;
    const value = second.tag === TAG.boolean ? spanAt(bytes, second.end, extension.end) : second;
    const name = bytes.toString('hex', id.start, id.end);
    if (name === CERTIFICATE_ISSUER)
      throw new CertificateError(
        'it is an indirect list, which tells of other issuers: that is not supported',
      );
    if (isCritical && !UNDERSTOOD.has(name))
      throw new CertificateError('an entry of it has a critical extension that is not supported');
    if (name === REASON) reason = bytes[tagged(spanAt(bytes, value.start, value.end), TAG.enumerated).start];
  }
  return reason;
};

export interface EntryOptions {
  readonly maxEntries: number;
  /** Whether entries may have extensions: version 2. */
  readonly mayExtend: boolean;
}

/**
 * The certificates that a list revokes. Of each only its serial is kept, and where the rest is: a list may have a million.
 * @param bytes the content of its `revokedCertificates`
 * @throws CertificateError, DerError
 */
export const readEntries = (
  bytes: Buffer = Buffer.alloc(0),
  { maxEntries, mayExtend }: EntryOptions,
): Entries => {
  const places = new Map<string, number>();
  let count = 0;
  for (let at = 0; at < bytes.length; ) {
    if (++count > maxEntries)
      throw new CertificateError(`it has a list of more than ${maxEntries} certificates`);
    const span = tagged(spanAt(bytes, at), TAG.sequence);
    const { serial, date, extensions } = entryAt(bytes, span);
    if (date.tag !== TAG.utcTime && date.tag !== TAG.generalizedTime)
      throw new DerError('the DER has no valid time');
    if (extensions !== undefined && !mayExtend)
      throw new CertificateError('its entries have extensions, and it is not of version 2');
    const reason = extensions === undefined ? undefined : reasonIn(bytes, extensions);
    if (reason !== REMOVED_FROM_LIST) places.set(integerId(bytes.subarray(serial.start, serial.end)), at);
    at = span.end;
  }
  return {
    size: places.size,
    find: (serialId) => {
      const at = places.get(serialId);
      if (at === undefined) return undefined;
      const { date, extensions } = entryAt(bytes, spanAt(bytes, at));
      const reason = extensions === undefined ? undefined : reasonIn(bytes, extensions);
      return {
        date: time({ tag: date.tag, content: bytes.subarray(date.start, date.end) }),
        reason: reason === undefined ? undefined : REASONS.get(reason),
        code: reason,
      };
    },
  };
};
