import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type CassetteLine, formatEntry } from '../file/format.ts';
import { RecordError, unwritable } from './problem.ts';
import { type HeaderOf, RecordingWriter, type RecordingWriterOptions } from './recording-writer.ts';

export interface RotatingRecordingOptions {
  /** The first file; the next ones are `<file>.2`, `<file>.3`, … */
  readonly file: string;
  readonly header: HeaderOf;
  readonly headerLast: boolean;
  /** Bytes after which another file is begun; undefined: one file. */
  readonly rotate?: number;
  /** Whether files of an earlier recording are replaced. */
  readonly force: boolean;
  /** Told once, when the recording cannot go on. */
  readonly onError: (error: Error) => void;
}

/** Bytes that may wait for the disk. More would pile up in memory. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

const exists = async (file: string): Promise<boolean> => {
  try {
    // What takes its name in the end would replace a device, such as /dev/null.
    if (!(await stat(file)).isFile())
      throw new RecordError(`${file} is there, and is a folder or a device: give the name of a file`);
    return true;
  } catch (error) {
    if (error instanceof RecordError) throw error;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw unwritable(file, error);
  }
};

/** The files of an earlier recording under this name. */
const earlier = async (file: string): Promise<readonly string[]> => {
  const first = (await exists(file)) ? [file] : [];
  const name = basename(file);
  const folder = dirname(file);
  let names: readonly string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    throw unwritable(file, error);
  }
  const isPart = (one: string): boolean =>
    one.startsWith(`${name}.`) && /^\.\d+$/.test(one.slice(name.length));
  return [...first, ...names.filter(isPart).map((one) => join(folder, one))];
};

/** A recording: one cassette, or several of about the same size. */
export class RotatingRecording {
  readonly #options: RotatingRecordingOptions;
  readonly #files: string[] = [];
  readonly #finishing = new Set<Promise<void>>();
  /** Of an earlier recording, to be replaced once this one is whole. */
  readonly #old: readonly string[];
  #ending: RecordingWriter[] = [];
  #writer: RecordingWriter;
  #failed = false;

  private constructor(options: RotatingRecordingOptions, writer: RecordingWriter, old: readonly string[]) {
    this.#options = options;
    this.#old = old;
    this.#writer = writer;
    this.#files.push(writer.file);
  }

  /** @throws RecordError where the file is there already, or cannot be made */
  static async open(options: RotatingRecordingOptions): Promise<RotatingRecording> {
    const old = await earlier(options.file);
    const [one] = old;
    if (one !== undefined && !options.force)
      throw new RecordError(`${one} is there already: give another name, or --force to replace it`);
    let recording: RotatingRecording | undefined;
    const onError = (error: Error): void => recording?.fail(error);
    const writer = await RecordingWriter.open({ ...options, onError });
    recording = new RotatingRecording(options, writer, old);
    return recording;
  }

  /** The files so far; the last may still be under way. */
  get files(): readonly string[] {
    return this.#files;
  }

  /** @returns false where the disk is so far behind that the entry was not taken */
  write(entry: CassetteLine): boolean {
    const waiting = this.#ending.reduce((sum, writer) => sum + writer.waiting, this.#writer.waiting);
    if (this.#failed || waiting > MAX_WAITING_BYTES) return false;
    const line = formatEntry(entry);
    const { rotate } = this.#options;
    if (
      rotate !== undefined &&
      !this.#writer.isEmpty &&
      this.#writer.bytes + Buffer.byteLength(line) > rotate
    )
      this.#rotate();
    this.#writer.write(line, entry.at);
    return true;
  }

  /** For what can wait: resolves when there is room for more. */
  drained(): Promise<void> {
    return this.#writer.drained();
  }

  /** @throws RecordError where a file could not be made whole */
  async close(): Promise<void> {
    await Promise.all([...this.#finishing, this.#writer.finish()]);
    for (const file of this.#old) if (!this.#files.includes(file)) await rm(file, { force: true });
  }

  /** As if it had not been begun. */
  async discard(): Promise<void> {
    await Promise.allSettled(this.#finishing);
    await this.#writer.discard();
  }

  fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onError(error);
  }

  #rotate(): void {
    const full = this.#writer;
    const file = `${this.#options.file}.${this.#files.length + 1}`;
    const options: RecordingWriterOptions = { ...this.#options, file, onError: (error) => this.fail(error) };
    this.#writer = RecordingWriter.begin(options);
    this.#files.push(file);
    this.#ending.push(full);
    const finishing = full
      .finish()
      .catch((error: unknown) => this.fail(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#ending = this.#ending.filter((writer) => writer !== full);
        this.#finishing.delete(finishing);
      });
    this.#finishing.add(finishing);
  }
}
