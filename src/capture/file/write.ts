import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, realpathSync, statSync, type WriteStream } from 'node:fs';
import { chmod, rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { type CassetteHeader, type CassetteLine, formatEntry, formatHeader } from './format.ts';
import { CassetteError, writeFailure } from './problem.ts';

/** Messages hold what only their receivers should see: who else may read it is for its owner to say. */
const PRIVATE = 0o600;

/** The file that is there, where a link leads to, and who may read it; undefined where there is none. */
const present = (file: string): { readonly path: string; readonly mode: number } | undefined => {
  try {
    const path = realpathSync(file);
    return { path, mode: statSync(path).mode & 0o777 };
  } catch {
    // Whatever else is wrong with it is told when it is written.
    return undefined;
  }
};

/** A cassette that is being written. The file is there, whole, once it is closed; until then it has another name. */
export class CassetteWriter {
  readonly file: string;
  readonly #path: string;
  /** Undefined for a new file. */
  readonly #mode: number | undefined;
  readonly #partial: string;
  readonly #stream: WriteStream;
  #bytes = 0;
  #count = 0;

  constructor(file: string, header: CassetteHeader) {
    this.file = file;
    const old = present(file);
    this.#path = old?.path ?? file;
    this.#mode = old?.mode;
    this.#partial = `${this.#path}.${process.pid}-${randomBytes(4).toString('hex')}.partial`;
    this.#stream = createWriteStream(this.#partial, { mode: PRIVATE, flags: 'wx' });
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
  write(entry: CassetteLine): boolean {
    this.#count++;
    return this.#write(formatEntry(entry));
  }

  /** @throws CassetteError */
  async drained(): Promise<void> {
    if (this.#stream.errored !== null) throw this.#problem(this.#stream.errored);
    if (!this.#stream.writableNeedDrain) return;
    try {
      await once(this.#stream, 'drain');
    } catch (error) {
      throw this.#problem(error);
    }
  }

  /** Puts the file in its place, at once and as a whole, readable by whom it was before. @throws CassetteError */
  async close(): Promise<void> {
    try {
      this.#stream.end();
      await finished(this.#stream);
      if (this.#mode !== undefined) await chmod(this.#partial, this.#mode);
      await rename(this.#partial, this.#path);
    } catch (error) {
      await rm(this.#partial, { force: true });
      throw this.#problem(error);
    }
  }

  /** Leaves what was there before. */
  async discard(): Promise<void> {
    this.#stream.destroy();
    await rm(this.#partial, { force: true });
  }

  #problem(error: unknown): CassetteError {
    return new CassetteError(writeFailure(this.file, error), { cause: error });
  }

  #write(text: string): boolean {
    this.#bytes += Buffer.byteLength(text);
    return this.#stream.write(text);
  }
}
