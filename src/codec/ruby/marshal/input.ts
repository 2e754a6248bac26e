import { utf8Text } from '../text.ts';
import { RubyError, RubyFloat } from '../value.ts';

/** A bignum of more bytes is refused: printing it in decimal, once for each link, takes more than linear time. */
const MAX_BIGNUM_BYTES = 1024;

const FLOAT = /^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/;

export const malformed = (message: string, offset: number): RubyError =>
  new RubyError('malformed', `${message} at byte ${offset}`, { offset });

/** The bytes of a document and a position in them; knows Marshal's lengths and numbers, but no values. */
export class MarshalInput {
  readonly bytes: Buffer;
  pos = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  byte(): number {
    const byte = this.bytes[this.pos];
    if (byte === undefined) throw malformed('the document ends too early', this.pos);
    this.pos++;
    return byte;
  }

  /** Marshal's `long`: one byte for small numbers, else how many little-endian bytes follow, negative for negative. */
  long(): number {
    const first = this.byte();
    if (first === 0) return 0;
    if (first >= 5 && first <= 127) return first - 5;
    if (first >= 128 && first <= 251) return first - 251;
    const negative = first > 251;
    const count = negative ? 256 - first : first;
    let value = negative ? -(2 ** (8 * count)) : 0;
    for (let i = 0, unit = 1; i < count; i++, unit *= 256) value += this.byte() * unit;
    return value;
  }

  /** A count of things of which each takes at least `size` bytes, so that no count promises more than there is. */
  count(size: number): number {
    const start = this.pos;
    const count = this.long();
    if (count < 0 || count * size > this.bytes.length - this.pos)
      throw malformed(`a length of ${count} is more than the document holds`, start);
    return count;
  }

  /** Skips a byte sequence with its length before it. @returns where it starts; it ends at {@link pos} */
  sequence(): number {
    const length = this.count(1);
    const start = this.pos;
    this.pos += length;
    return start;
  }

  bignum(): number | bigint {
    const sign = this.byte();
    if (sign !== 0x2b && sign !== 0x2d) throw malformed('a bignum without a sign', this.pos - 1);
    const length = this.count(2) * 2;
    const start = this.pos;
    if (length > MAX_BIGNUM_BYTES)
      throw new RubyError('limit', `an integer of ${length} bytes is too long`, { offset: start });
    this.pos += length;
    // Six bytes always fit; the times of messages are of four since 2004.
    if (length <= 6) {
      const value = length === 0 ? 0 : this.bytes.readUIntLE(start, length);
      return sign === 0x2d && value !== 0 ? -value : value;
    }
    const hex = Buffer.from(this.bytes.subarray(start, this.pos)).reverse().toString('hex');
    const magnitude = BigInt(`0x${hex}`);
    const value = sign === 0x2d ? -magnitude : magnitude;
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  float(): RubyFloat {
    const start = this.sequence();
    const whole = this.bytes.toString('latin1', start, this.pos);
    // Ruby 1.8 adds a NUL and the mantissa's last bits, which its 17 digits have said already.
    const nul = whole.indexOf('\0');
    const text = nul < 0 ? whole : whole.slice(0, nul);
    if (text === 'inf') return new RubyFloat(Number.POSITIVE_INFINITY);
    if (text === '-inf') return new RubyFloat(Number.NEGATIVE_INFINITY);
    if (text === 'nan') return new RubyFloat(Number.NaN);
    if (text.length > 400 || !FLOAT.test(text)) throw malformed('a float that is no number', start);
    return new RubyFloat(Number(text));
  }

  /** UTF-8 text; undefined where the bytes are none. */
  text(start: number): string | undefined {
    return utf8Text(this.bytes, start, this.pos);
  }
}
