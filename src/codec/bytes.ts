import { Rejection } from '../envelope/rejection.ts';

/** Writes the fields of a reply token: big-endian integers, texts and lists with their length before them. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(512);
  #length = 0;

  /** Makes room, perhaps in another buffer. @returns where the room is */
  #grow(by: number): number {
    const at = this.#length;
    this.#length += by;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(this.#length * 2);
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    return at;
  }

  byte(value: number): void {
    const at = this.#grow(1);
    this.#buffer.writeUInt8(value, at);
  }

  uint16(value: number): void {
    const at = this.#grow(2);
    this.#buffer.writeUInt16BE(value, at);
  }

  uint32(value: number): void {
    const at = this.#grow(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  bytes(value: Uint8Array): void {
    const at = this.#grow(value.length);
    this.#buffer.set(value, at);
  }

  /** @throws Rejection `limit_exceeded` for a text whose length does not fit its field */
  text(value: string): void {
    const length = Buffer.byteLength(value);
    if (length > 0xffff)
      throw new Rejection('limit_exceeded', `a text of ${length} bytes does not fit a reply token`);
    this.uint16(length);
    this.encoded(value, length, 'utf8');
  }

  /** What a text stands for. @param length of that in bytes, which is not written */
  encoded(value: string, length: number, encoding: 'utf8' | 'hex' | 'base64url'): void {
    const at = this.#grow(length);
    this.#buffer.write(value, at, length, encoding);
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.uint16(items.length);
    for (const item of items) write(item);
  }

  take(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

/** Reads what {@link ByteWriter} wrote; running short is a `token_malformed`. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get done(): boolean {
    return this.#at === this.#buffer.length;
  }

  bytes(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#buffer.length) throw new Rejection('token_malformed', 'the reply token is cut short');
    const part = this.#buffer.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  byte(): number {
    return this.bytes(1).readUInt8();
  }

  uint16(): number {
    return this.bytes(2).readUInt16BE();
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }

  text(): string {
    return this.bytes(this.uint16()).toString('utf8');
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.uint16() }, read);
  }
}
