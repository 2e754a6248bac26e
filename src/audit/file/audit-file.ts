import { dirname } from 'node:path';
import { type ChainState, hashOf, link, newChain, ownPart, placeOf } from '../chain.ts';
import type { Writer } from '../event.ts';
import {
  type Head,
  type HeadOptions,
  headOf,
  type Linked,
  linkedAll,
  type OwnRecord,
  type Target,
} from '../target.ts';
import type { Disk, OpenFile } from './disk.ts';
import { removeSurplus } from './keep.ts';
import { rotatedFiles, rotatedName } from './rotated.ts';
import { lastLineOf, tailOf } from './tail.ts';

export interface AuditFileOptions extends HeadOptions {
  readonly file: string;
  readonly writer: Writer;
  readonly own: OwnRecord;
  /** Whether a write is done once it is on the disk. */
  readonly sync: boolean;
  /** Bytes from which on another file is begun. */
  readonly rotate: number;
  /** How many full files are kept; undefined: all. */
  readonly keep: number | undefined;
  readonly disk: Disk;
  readonly onHead: (head: Head) => void;
  /** What went wrong with a full file, while the audit goes on. */
  readonly onTrouble: (sentence: string, error: unknown) => void;
}

/** Bytes of a torn line that are kept as evidence. */
const TORN_BYTES = 1024;

/**
 * The file that records are appended to, in one chain over all its full files, restarts and crashes. What cannot be written to its
 * end is taken back, so that the chain goes on with the next record.
 */
export class AuditFile implements Target {
  #options: AuditFileOptions;
  #open: OpenFile | undefined;
  #size = 0;
  #state: ChainState | undefined;
  #since = 0;
  /** Whether it has been said that it cannot be moved. */
  #isStuck = false;

  constructor(options: AuditFileOptions) {
    this.#options = options;
  }

  get file(): string {
    return this.#options.file;
  }

  /** By another configuration; the file stays the same one. */
  follow(options: Omit<AuditFileOptions, 'file'>): void {
    this.#options = { ...options, file: this.file };
  }

  /**
   * Opens it, and goes on with the chain that it holds.
   * @throws Error for what cannot be opened, and for a file that is not this audit's
   */
  async begin(): Promise<void> {
    if (this.#open === undefined) await this.#begin();
  }

  async write(records: readonly string[], wantsHead: boolean): Promise<void> {
    await this.begin();
    let linked = this.#linked(records, wantsHead);
    const bytes = Buffer.byteLength(linked.text);
    if (bytes === 0) return;
    if (this.#size + bytes > this.#options.rotate && (await this.#rotate()))
      linked = this.#linked(records, wantsHead);
    await this.#append(linked);
  }

  async reopen(): Promise<void> {
    const { disk, file } = this.#options;
    const open = this.#open;
    if (open === undefined || (await open.id()) === (await disk.idAt(file))) return;
    await this.#close();
    await this.#begin();
  }

  /** Signs what is not signed yet. */
  async close(): Promise<void> {
    if (this.#open === undefined) return;
    await this.write([], true);
    await this.#open.close();
    this.#open = undefined;
  }

  #linked(records: readonly string[], wantsHead: boolean): Linked {
    const { own } = this.#options;
    return linkedAll({ state: this.#known, since: this.#since }, records, wantsHead, this.#options, own);
  }

  get #known(): ChainState {
    if (this.#state === undefined) throw new Error('the audit file has not been opened');
    return this.#state;
  }

  async #append({ text, state, since, heads }: Omit<Linked, 'heads'> & Partial<Linked>): Promise<void> {
    const open = this.#open;
    if (open === undefined) throw new Error('the audit file is not open');
    await this.#checkAlone(open);
    const bytes = Buffer.from(text);
    try {
      await open.append(bytes);
      if (this.#options.sync) await open.datasync();
    } catch (error) {
      await this.#takeBack(open);
      throw error;
    }
    this.#size += bytes.length;
    this.#state = state;
    this.#since = since;
    for (const head of heads ?? []) this.#options.onHead(head);
  }

  /**
   * What somebody else has written stays, for whoever proves the file; the next record goes on behind it.
   * @throws Error where somebody else writes to the file
   */
  async #checkAlone(open: OpenFile): Promise<void> {
    if ((await open.size()) <= this.#size) return;
    this.#open = undefined;
    await open.close();
    throw new Error(`another process writes to ${this.file}`);
  }

  /** Where even that fails, the file is opened anew for the next record, and what is torn there is seen then. */
  async #takeBack(open: OpenFile): Promise<void> {
    try {
      await open.truncate(this.#size);
    } catch {
      this.#open = undefined;
      await open.close().catch(() => undefined);
    }
  }

  async #begin(): Promise<void> {
    const { file, disk, sync, own } = this.#options;
    const open = await disk.open(file, false);
    try {
      const { line, torn, size } = await tailOf(open);
      const { state, after } =
        line === undefined ? await this.#before() : { state: this.#placeIn(line), after: undefined };
      if (torn.length > 0) await open.truncate(size);
      const from = this.#continued(state);
      const evidence =
        torn.length === 0
          ? undefined
          : { bytes: torn.length, base64: torn.toString('base64', 0, TORN_BYTES) };
      const started = link(from, own('start', { after, torn: evidence, ...this.#heads }));
      this.#open = open;
      this.#size = size;
      await this.#append({ text: `${started.line}\n`, state: started.state, since: 1 });
      if (line === undefined && sync) await disk.syncFolder(dirname(file));
    } catch (error) {
      if (this.#open === open) this.#open = undefined;
      await open.close().catch(() => undefined);
      throw error;
    }
  }

  /** @param found what the file says */
  #continued(found: ChainState): ChainState {
    const known = this.#state;
    if (known === undefined) return found.seq === 0 ? found : { ...found, epoch: found.epoch + 1 };
    if (found.chain !== known.chain) throw new Error(`${this.file} is another audit; move it away`);
    // Somebody has cut off what this process wrote: the gap is to be seen.
    return found.seq < known.seq ? known : { ...found, epoch: known.epoch };
  }

  /** What whoever proves the file should know of its heads. */
  get #heads(): Readonly<Record<string, unknown>> {
    const { signer, every } = this.#options;
    return signer === undefined ? {} : { key: signer.key, heads_every: every };
  }

  /** Where an empty file goes on: behind what this process wrote last, else behind the newest full file. */
  async #before(): Promise<{ readonly state: ChainState; readonly after: string | undefined }> {
    const { file, disk } = this.#options;
    const newest = (await rotatedFiles(disk, file)).at(-1);
    if (this.#state !== undefined) return { state: this.#state, after: newest };
    if (newest === undefined) return { state: newChain(), after: undefined };
    const line = await lastLineOf(disk, newest);
    return { state: line === undefined ? newChain() : this.#placeIn(line, newest), after: newest };
  }

  /** @throws Error where it is no record, or another instance's */
  #placeIn(line: string, file = this.file): ChainState {
    const place = placeOf(line);
    const own = ownPart(line);
    if (place === undefined || own === undefined)
      throw new Error(`the last line of ${file} is no record of an audit; move the file away`);
    const { instance } = this.#options.writer;
    if (own.instance !== instance)
      throw new Error(
        `${file} is the audit of the instance ${own.instance}; this one is ${instance}, and needs a file of its own`,
      );
    return { chain: place.chain, epoch: place.epoch, seq: place.seq, prev: hashOf(line) };
  }

  /** @returns whether another file was begun; where this one cannot be moved, it is written on */
  async #rotate(): Promise<boolean> {
    const { file, disk, onTrouble } = this.#options;
    // The record that closes it is one more.
    const full = rotatedName(file, this.#known.seq + 1);
    try {
      await disk.rename(file, full);
    } catch (error) {
      if (!this.#isStuck) onTrouble(`${file} is full and cannot be moved to ${full}`, error);
      this.#isStuck = true;
      return false;
    }
    this.#isStuck = false;
    try {
      await this.#close();
    } catch (error) {
      await disk.rename(full, file);
      throw error;
    }
    await this.#begin();
    await removeSurplus({ ...this.#options, write: (record) => this.#append(this.#linked([record], false)) });
    return true;
  }

  /** Its last record, which is a head as well. */
  async #close(): Promise<void> {
    const { signer, own } = this.#options;
    const more = { records: this.#since };
    if (signer === undefined) {
      const { line, state } = link(this.#known, own('close', more));
      await this.#append({ text: `${line}\n`, state, since: 0 });
    } else {
      const { line, state, head } = headOf(this.#known, 'close', more, signer, own);
      await this.#append({ text: `${line}\n`, state, since: 0, heads: [head] });
    }
    await this.#open?.close();
    this.#open = undefined;
  }
}
