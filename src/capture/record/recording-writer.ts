import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished, pipeline } from 'node:stream/promises';
import { type CassetteHeader, formatHeader } from '../file/format.ts';
import { unwritable } from './problem.ts';

/** Makes the first line. @param clock of the first message, ms since the epoch */
export type HeaderOf = (clock: number) => CassetteHeader;

export interface RecordingWriterOptions {
  readonly file: string;
  readonly header: HeaderOf;
  /** Whether the header is made last, because only then all is known that it has to say. */
  readonly headerLast: boolean;
  /** Told once, when nothing more can be written. */
  readonly onError: (error: Error) => void;
}

/** One file of a recording. It has another name until it is whole. */
export class RecordingWriter {
  readonly file: string;
  readonly #options: RecordingWriterOptions;
  readonly #partial: string;
  readonly #stream: WriteStream;
  #clock: number | undefined;
  #bytes = 0;

  private constructor(options: RecordingWriterOptions) {
    this.file = options.file;
    this.#options = options;
    this.#partial = `${options.file}.${process.pid}.partial`;
    // Only its owner may read a recording: messages hold what only their receivers should see.
    this.#stream = createWriteStream(this.#partial, { mode: 0o600 });
  }

  /** @throws RecordError where no file can be made there */
  static async open(options: RecordingWriterOptions): Promise<RecordingWriter> {
    const writer = RecordingWriter.begin(options);
    try {
      await once(writer.#stream, 'open');
    } catch (error) {
      throw unwritable(options.file, error);
    }
    return writer;
  }

  /** The same without waiting; what is written waits for the file. */
  static begin(options: RecordingWriterOptions): RecordingWriter {
    const writer = new RecordingWriter(options);
    const opened = { yes: false };
    writer.#stream.once('open', () => {
      opened.yes = true;
    });
    writer.#stream.once('error', (error) => {
      const note = opened.yes ? `; what was recorded so far is in ${writer.#partial}` : '';
      options.onError(unwritable(options.file, error, note));
    });
    return writer;
  }

  /** Bytes so far, without a header that is still to come. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#clock === undefined;
  }

  /** Bytes that the disk has not taken yet. */
  get waiting(): number {
    return this.#stream.writableLength;
  }

  /** @param line with its line end @param at of the message, ms since the epoch */
  write(line: string, at: number): void {
    this.#begin(at);
    this.#put(line);
  }

  /** Resolves once the disk has taken most of what waits. */
  async drained(): Promise<void> {
    if (this.#stream.writableNeedDrain) await once(this.#stream, 'drain');
  }

  /** Gives the file its name. @throws RecordError */
  async finish(): Promise<void> {
    try {
      this.#begin(Date.now());
      this.#stream.end();
      await finished(this.#stream);
      if (this.#options.headerLast) await this.#assemble();
      else await rename(this.#partial, this.file);
    } catch (error) {
      throw unwritable(this.file, error, `; what was recorded so far is in ${this.#partial}`);
    }
  }

  /** As if it had never been begun. */
  async discard(): Promise<void> {
    this.#stream.destroy();
    await rm(this.#partial, { force: true });
  }

  #begin(at: number): void {
    if (this.#clock !== undefined) return;
    this.#clock = at;
    if (!this.#options.headerLast) this.#put(formatHeader(this.#options.header(at)));
  }

  async #assemble(): Promise<void> {
    const whole = `${this.#partial}.whole`;
    try {
      const target = createWriteStream(whole, { mode: 0o600 });
      target.write(formatHeader(this.#options.header(this.#clock ?? Date.now())));
      await pipeline(createReadStream(this.#partial), target);
      await rename(whole, this.file);
    } catch (error) {
      await rm(whole, { force: true });
      throw error;
    }
    await rm(this.#partial, { force: true });
  }

  #put(text: string): void {
    this.#bytes += Buffer.byteLength(text);
    this.#stream.write(text);
  }
}
