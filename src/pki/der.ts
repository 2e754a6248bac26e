/**
 * Just enough of DER to read the fields of a certificate, before OpenSSL does: it decodes a key of any size at once,
 * and Node gives names and extensions as text, in which one value can look like two.
 */

/** One element: its tag byte and its content. */
export interface DerNode {
  readonly tag: number;
  readonly content: Buffer;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  sequence: 0x30,
  set: 0x31,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
} as const;

/** Bytes that are not the DER that was expected. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** Where an element is in what is read: its content from `start` up to `end`, where the next one begins. */
export interface DerSpan {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** The element at `offset`, which ends at `limit` or before. Of those that are many, no buffers are made. */
export const spanAt = (bytes: Buffer, offset: number, limit = bytes.length): DerSpan => {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined || offset + 2 > limit)
    throw new DerError('the DER ends too early');
  let start = offset + 2;
  let length = first;
  if (first >= 0x80) {
    const size = first & 0x7f;
    if (size === 0 || size > 4 || start + size > limit) throw new DerError('the DER has no valid length');
    length = bytes.readUIntBE(start, size);
    start += size;
  }
  if (start + length > limit) throw new DerError('the DER ends too early');
  return { tag, start, end: start + length };
};

/** More of them, on one level, no certificate has; those who send one must not decide how many are made. */
const MAX_ELEMENTS = 1000;

/** All elements of a constructed one's content. */
export const elements = (content: Buffer): readonly DerNode[] => {
  const nodes: DerNode[] = [];
  for (let offset = 0; offset < content.length; ) {
    if (nodes.length === MAX_ELEMENTS)
      throw new DerError(`the DER has more than ${MAX_ELEMENTS} elements in one`);
    const { tag, start, end } = spanAt(content, offset);
    nodes.push({ tag, content: content.subarray(start, end) });
    offset = end;
  }
  return nodes;
};

/** The content of `node` where it has that tag. */
export const expect = (node: DerNode | undefined, tag: number): Buffer => {
  if (node?.tag !== tag) throw new DerError(`the DER has no element of tag ${tag} where one belongs`);
  return node.content;
};

/** A whole number, such as a serial, as hexadecimal: without what DER would not write, so that equal ones are equal. */
export const integerId = (content: Buffer): string => {
  let from = 0;
  while (from < content.length - 1) {
    const sign = content[from];
    const isNegative = (content[from + 1] ?? 0) >= 0x80;
    if (sign !== (isNegative ? 0xff : 0)) break;
    from++;
  }
  return content.toString('hex', from);
};

/** An object identifier's bytes in hexadecimal, enough to tell one from another. */
export const oid = (node: DerNode | undefined): string => expect(node, TAG.oid).toString('hex');

/** UTCTime or GeneralizedTime as RFC 5280 wants them, in ms since the epoch. */
export const time = (node: DerNode | undefined): number => {
  const short = node?.tag === TAG.utcTime;
  const text = expect(node, short ? TAG.utcTime : TAG.generalizedTime).toString('latin1');
  const pattern = short
    ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
    : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
  const match = pattern.exec(text);
  if (match === null) throw new DerError('the DER has no valid time');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const century = short ? (year < 50 ? 2000 : 1900) : 0;
  // The years before 100 have to be set apart, as Date.UTC takes them for those of the 20th century.
  return new Date(Date.UTC(2000, month - 1, day, hour, minute, second)).setUTCFullYear(
    century + year,
    month - 1,
    day,
  );
};
