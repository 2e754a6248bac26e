import type { ByteReader, ByteWriter } from '../../../codec/bytes.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { readSmall, writeSmall } from './small-text.ts';

/** Tags of texts that are written out; texts.ts has the whole table. */
const SMALL = 0;
const JOINED = 64;
const UTF8 = 128;
const HEX = 176;
const AFTER_HEX = 192;
const ENDING = 243;
const LONG = 255;

const IN_HEX = /^(?:[0-9a-f]{2}){4,16}$/;
const IS_SMALL = /^[a-z0-9._/-]{0,63}$/;
const IS_JOINED = /^[\w-]{0,63}$/;

/** A shorter ending takes as many bytes as the two that name it. */
const MIN_ENDING_CHARS = 5;
const MAX_ENDING_CHARS = 0xff;

const bytesOfJoined = (letters: number): number => Math.ceil((letters * 3) / 4);

/** How long the end is, from a dot on, that a text has in common with the one before; 0 for none worth a reference. */
const endingOf = (text: string, before: string): number => {
  for (let dot = text.indexOf('.'); dot !== -1; dot = text.indexOf('.', dot + 1)) {
    const length = text.length - dot;
    if (length < MIN_ENDING_CHARS) return 0;
    if (length <= MAX_ENDING_CHARS && before.endsWith(text.slice(dot))) return length;
  }
  return 0;
};

/** Writes a text out. Servers of one domain follow each other in a trail, so the end of the one before need not be. */
export class PlainTextWriter {
  readonly #writer: ByteWriter;
  /** The last text with a dot. */
  #before = '';

  constructor(writer: ByteWriter) {
    this.#writer = writer;
  }

  write(text: string): void {
    const ending = endingOf(text, this.#before);
    if (ending === 0) this.#writeWhole(text);
    else {
      this.#writer.byte(ENDING);
      this.#writer.byte(ending);
      this.#writeWhole(text.slice(0, -ending));
    }
    if (text.includes('.')) this.#before = text;
  }

  #writeWhole(text: string): void {
    const { length } = text;
    if (IN_HEX.test(text)) {
      this.#writer.byte(HEX - 1 + length / 2);
      this.#writer.encoded(text, length / 2, 'hex');
    } else if (IS_SMALL.test(text)) {
      this.#writer.byte(SMALL + length);
      writeSmall(this.#writer, text);
    } else if (IS_JOINED.test(text)) {
      this.#writer.byte(JOINED + length);
      // Bits of a last byte that is not full are none to a decoder.
      this.#writer.encoded(`${text}AA`, bytesOfJoined(length), 'base64url');
    } else this.#writeBytes(text, Buffer.byteLength(text));
  }

  #writeBytes(text: string, length: number): void {
    if (length < HEX - UTF8) {
      this.#writer.byte(UTF8 + length);
      this.#writer.encoded(text, length, 'utf8');
    } else {
      this.#writer.byte(LONG);
      this.#writer.text(text);
    }
  }
}

/** Reads what {@link PlainTextWriter} wrote. */
export class PlainTextReader {
  readonly #reader: ByteReader;
  #before = '';

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  /** @throws Rejection `token_malformed` for a tag of none of these, too */
  read(tag = this.#reader.byte()): string {
    const text = tag === ENDING ? this.#readEnding() : this.#readWhole(tag);
    if (text.includes('.')) this.#before = text;
    return text;
  }

  #readEnding(): string {
    const length = this.#reader.byte();
    if (length === 0 || length > this.#before.length)
      throw new Rejection('token_malformed', 'the reply token has a text that ends on none before it');
    return this.#readWhole(this.#reader.byte()) + this.#before.slice(-length);
  }

  #readWhole(tag: number): string {
    if (tag < JOINED) return readSmall(this.#reader, tag - SMALL);
    if (tag < UTF8) return this.#readJoined(tag - JOINED);
    if (tag < HEX) return this.#reader.bytes(tag - UTF8).toString('utf8');
    if (tag < AFTER_HEX) return this.#reader.bytes(tag - HEX + 1).toString('hex');
    if (tag === LONG) return this.#reader.text();
    throw new Rejection('token_malformed', 'the reply token names no known text');
  }

  #readJoined(count: number): string {
    return this.#reader.bytes(bytesOfJoined(count)).toString('base64url').slice(0, count);
  }
}
