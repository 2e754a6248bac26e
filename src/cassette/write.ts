import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { type CassetteEntry, type CassetteHeader, formatEntry, formatHeader } from './format.ts';

/** A cassette that is being written. The file is there, whole, once it is closed; until then it has another name. */
export class CassetteWriter {
  readonly file: string;
  readonly #partial: string;
  readonly #stream: WriteStream;
  #bytes = 0;
  #count = 0;

  constructor(file: string, header: CassetteHeader) {
    this.file = file;
    this.#partial = `${file}.${process.pid}.partial`;
    this.#stream = createWriteStream(this.#partial);
    // Told by the next write, or by the close.
    this.#stream.on('error', () => undefined);
    this.#write(formatHeader(header));
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Lines so far, without the header. */
  get count(): number {
    return this.#count;
  }

  /** @returns whether there is room for more at once; if not, await {@link drained} before the next */
  write(entry: CassetteEntry): boolean {
    this.#count++;
    return this.#write(formatEntry(entry));
  }

  async drained(): Promise<void> {
    if (this.#stream.errored !== null) throw this.#stream.errored;
    if (this.#stream.writableNeedDrain) await once(this.#stream, 'drain');
  }

  /** Puts the file in its place, at once and as a whole. @throws Error of the file system */
  async close(): Promise<void> {
    try {
      this.#stream.end();
      await finished(this.#stream);
      await rename(this.#partial, this.file);
    } catch (error) {
      await rm(this.#partial, { force: true });
      throw error;
    }
  }

  /** Leaves what was there before. */
  async discard(): Promise<void> {
    this.#stream.destroy();
    await rm(this.#partial, { force: true });
  }

  #write(text: string): boolean {
    this.#bytes += Buffer.byteLength(text);
    return this.#stream.write(text);
  }
}
