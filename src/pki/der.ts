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

/** The element at `offset`, and where the next one begins. */
const elementAt = (bytes: Buffer, offset: number): { readonly node: DerNode; readonly next: number } => {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined) throw new DerError('the DER ends too early');
  let start = offset + 2;
  let length = first;
  if (first >= 0x80) {
    const size = first & 0x7f;
    if (size === 0 || size > 4 || start + size > bytes.length)
      throw new DerError('the DER has no valid length');
    length = bytes.readUIntBE(start, size);
    start += size;
  }
  if (start + length > bytes.length) throw new DerError('the DER ends too early');
  return { node: { tag, content: bytes.subarray(start, start + length) }, next: start + length };
};

/** More of them, on one level, no certificate has; those who send one must not decide how many are made. */
const MAX_ELEMENTS = 1000;

/** All elements of a constructed one's content. */
export const elements = (content: Buffer): readonly DerNode[] => {
  const nodes: DerNode[] = [];
  for (let offset = 0; offset < content.length; ) {
    if (nodes.length === MAX_ELEMENTS)
      throw new DerError(`the DER has more than ${MAX_ELEMENTS} elements in one`);
    const { node, next } = elementAt(content, offset);
    nodes.push(node);
    offset = next;
  }
  return nodes;
};

/** The content of `node` where it has that tag. */
export const expect = (node: DerNode | undefined, tag: number): Buffer => {
  if (node?.tag !== tag) throw new DerError(`the DER has no element of tag ${tag} where one belongs`);
  return node.content;
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
