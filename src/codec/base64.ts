import { Rejection } from '../envelope/rejection.ts';

/**
 * How a peer writes base64. Ruby's `Base64.encode64` ends each line of 60 characters, and the text, with a line
 * feed; Go's `[]byte` in JSON has none. Both read both.
 */
export type Base64Style = 'wrapped' | 'plain';

const LINE_CHARS = 60;

const lines = (text: string, end: string): string => {
  let out = '';
  for (let i = 0; i < text.length; i += LINE_CHARS) out += text.slice(i, i + LINE_CHARS) + end;
  return out;
};

const encodeStandard = (bytes: Uint8Array): string =>
  (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)).toString(
    'base64',
  );

export const encodeBase64 = (bytes: Uint8Array, style: Base64Style): string =>
  style === 'plain' ? encodeStandard(bytes) : lines(encodeStandard(bytes), '\n');

/** The same as a JSON string literal, in one go: only the line feeds need escaping. */
export const encodeBase64Json = (bytes: Uint8Array, style: Base64Style): string =>
  `"${style === 'plain' ? encodeStandard(bytes) : lines(encodeStandard(bytes), '\\n')}"`;

/** The bytes, or undefined where the text is not standard, padded base64. Line ends may be anywhere in it. */
export const tryDecodeBase64 = (text: string): Buffer | undefined => {
  let compact = text;
  if (compact.includes('\n')) compact = compact.replaceAll('\n', '');
  if (compact.includes('\r')) compact = compact.replaceAll('\r', '');
  if (compact.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(compact, 'base64');
  // Buffer skips what it does not know and takes the URL alphabet too; writing the bytes again shows whether it did.
  return bytes.toString('base64') === compact ? bytes : undefined;
};

/**
 * @param what names the text in the sentence of the rejection
 * @throws Rejection `malformed_base64`
 */
export const decodeBase64 = (text: string, what = 'the text'): Buffer => {
  const bytes = tryDecodeBase64(text);
  if (bytes === undefined) throw new Rejection('malformed_base64', `${what} is not base64`);
  return bytes;
};
