import { FIXNUM_MAX, FIXNUM_MIN, TYPE } from './format.ts';

const isShort = (length: number): boolean => length < 40;

const NONE = Buffer.alloc(0);
const INITIAL_BYTES = 16 * 1024;
/** A longer one is not kept. */
const MAX_KEPT_BYTES = 256 * 1024;

/**
 * What the last output was written into, for the next. Not of Node's pool: a result there would keep it in memory for
 * as long as itself, and results wait by the tens of thousands.
 */
let spare: Buffer | undefined;

const takeSpare = (): Buffer => {
  const bytes = spare ?? Buffer.allocUnsafeSlow(INITIAL_BYTES);
  spare = undefined;
  return bytes;
};

/** Bytes that grow; knows Marshal's lengths and numbers, but no values. */
export class MarshalOutput {
  #bytes = takeSpare();
  #length = 0;

  /** Makes room for `more` bytes. */
  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }

  byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  long(value: number): void {
    this.#reserve(5);
    if (value === 0) this.#bytes[this.#length++] = 0;
    else if (value > 0 && value < 123) this.#bytes[this.#length++] = value + 5;
    else if (value < 0 && value > -124) this.#bytes[this.#length++] = value + 251;
    else {
      const at = this.#length++;
      let rest = value;
      let count = 0;
      do {
        this.#bytes[this.#length++] = rest & 0xff;
        rest = Math.floor(rest / 256);
        count++;
      } while (rest !== 0 && rest !== -1);
      this.#bytes[at] = value > 0 ? count : 256 - count;
    }
  }

  /** Bytes with their length before them. */
  sequence(bytes: Uint8Array): void {
    this.long(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Text as UTF-8 with its length before it. @returns whether it is ASCII */
  text(text: string): boolean {
    const { length } = text;
    if (isShort(length)) {
      const start = this.#length;
      this.long(length);
      this.#reserve(length);
      let i = 0;
      for (; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code > 0x7f) break;
        this.#bytes[this.#length++] = code;
      }
      if (i === length) return true;
      this.#length = start;
    }
    const size = Buffer.byteLength(text);
    this.long(size);
    this.#reserve(size);
    this.#length += this.#bytes.write(text, this.#length, size, size === length ? 'latin1' : 'utf8');
    return size === length;
  }

  /** An integer. @returns whether Ruby counts it as an object, as it does with bignums */
  integer(value: number | bigint): boolean {
    if (typeof value === 'number' && value <= FIXNUM_MAX && value >= FIXNUM_MIN) {
      this.byte(TYPE.fixnum);
      this.long(value);
      return false;
    }
    this.#reserve(2);
    this.#bytes[this.#length++] = TYPE.bignum;
    this.#bytes[this.#length++] = value < 0 ? 0x2d : 0x2b;
    if (typeof value === 'number' && value <= 0xffff_ffff && value >= -0xffff_ffff) {
      this.long(2);
      this.#reserve(4);
      this.#length = this.#bytes.writeUInt32LE(Math.abs(value), this.#length);
      return true;
    }
    const big = BigInt(value);
    const hex = (big < 0n ? -big : big).toString(16);
    const bytes = Buffer.from(hex.padStart(Math.ceil(hex.length / 4) * 4, '0'), 'hex').reverse();
    this.long(bytes.length / 2);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return true;
  }

  /** As long as it is. Ends the output. */
  result(): Buffer {
    const bytes = this.#bytes;
    const result = Buffer.from(bytes.subarray(0, this.#length));
    this.#bytes = NONE;
    this.#length = 0;
    if (bytes.length <= MAX_KEPT_BYTES) spare = bytes;
    return result;
  }
}
