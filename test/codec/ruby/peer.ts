import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Description } from './describe.ts';

/** `value` or `document` on success, `error` (a Ruby class) and `message` otherwise. */
export interface Answer {
  readonly value?: Description;
  readonly document?: string;
  readonly error?: string;
  readonly message?: string;
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly texts?: readonly (string | null)[];
  readonly digest?: string;
}

export type Format = 'marshal' | 'yaml';

/** One Ruby process for many questions; answers come in the order of the questions. */
export class RubyPeer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;

  constructor() {
    this.#child = spawn('ruby', [fileURLToPath(new URL('peer.rb', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    });
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async #ask(question: object): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    const line = await this.#answers.next();
    if (line.done === true) throw new Error('ruby ended');
    return JSON.parse(line.value);
  }

  /** What Ruby reads in a document. */
  load(format: Format, document: Uint8Array): Promise<Answer> {
    return this.#ask({ op: 'load', format, document: base64(document) });
  }

  /** What Ruby reads in a YAML document that may name any class, as docs/values.md says of each. */
  plain(document: Uint8Array): Promise<Answer> {
    return this.#ask({ op: 'plain', document: base64(document) });
  }

  /** What a daemon reads in a YAML document. */
  daemonLoad(document: Uint8Array): Promise<Answer> {
    return this.#ask({ op: 'daemon', document: base64(document) });
  }

  /** Whether Ruby's `==` holds between what is in two documents. */
  equal(format: Format, document: Uint8Array, other: Uint8Array): Promise<Answer> {
    return this.#ask({ op: 'equal', format, document: base64(document), other: base64(other) });
  }

  /** What `Marshal.dump` writes for a value. */
  dump(value: Description): Promise<Answer> {
    return this.#ask({ op: 'dump', value });
  }

  /** A document of a random value and what is in it. */
  generate(format: Format, seed: number): Promise<Answer> {
    return this.#ask({ op: 'generate', format, seed });
  }

  /** All encodings, each with all its names. */
  async encodings(): Promise<Readonly<Record<string, readonly string[]>>> {
    return (await this.#ask({ op: 'encodings' })).names ?? {};
  }

  /** What `encode("UTF-8")` gives; null where it raises. */
  async encode(encoding: string, strings: readonly Uint8Array[]): Promise<readonly (string | null)[]> {
    return (await this.#ask({ op: 'encode', encoding, strings: strings.map(base64) })).texts ?? [];
  }

  /** A digest of what `encode` gives for all sequences of the prefix and one or two bytes more. */
  async digest(encoding: string, prefix: Uint8Array, more: 1 | 2): Promise<string | undefined> {
    return (await this.#ask({ op: 'digest', encoding, prefix: base64(prefix), more })).digest;
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin.end();
    await gone;
    this.#lines.close();
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
