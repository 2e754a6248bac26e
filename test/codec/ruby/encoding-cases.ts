import { createHash } from 'node:crypto';
import { textIn } from '../../../src/codec/ruby/encodings/decode.ts';

/** Ruby's own names of what says no more than ASCII; valid UTF-8 in them is text here, and an error to Ruby. */
export const isAsciiAlone = (encoding: string): boolean => ['ASCII-8BIT', 'US-ASCII'].includes(encoding);

const BYTES = Array.from({ length: 256 }, (_, byte) => Buffer.of(byte));

/** The prefix and one or two bytes more, in order. */
export const sequences = (prefix: Buffer, more: 1 | 2): readonly Buffer[] =>
  BYTES.flatMap((first) =>
    more === 1
      ? [Buffer.concat([prefix, first])]
      : BYTES.map((second) => Buffer.concat([prefix, first, second])),
  );

/** As `digest_of_all` in peer.rb. */
export const digestOf = (encoding: string, prefix: Buffer, more: 1 | 2): string => {
  const hash = createHash('sha256');
  for (const bytes of sequences(prefix, more)) {
    const text = textIn(bytes, encoding);
    hash.update(text === undefined ? '\u0002' : `${text}\u0001`);
  }
  return hash.digest('hex');
};

/** Escape sequences, shifts and byte order marks, which make other characters of what comes after them. */
export const SIGNS: readonly Buffer[] = [
  ...[
    '\x1b(B',
    '\x1b(J',
    '\x1b(I',
    '\x1b$B',
    '\x1b$@',
    '\x0e',
    '\x0f',
    '\xfe\xff',
    '\xff\xfe',
    '\xef\xbb\xbf',
  ],
  ...['\x00\x00\xfe\xff', '\xff\xfe\x00\x00', '\x8e', '\x8f', '\x90', '\x92'],
].map((text) => Buffer.from(text, 'latin1'));
