import { createRequire } from 'node:module';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Finished } from './process.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Vitest's own import takes a module of another URL for the same. */
const importAgain: (url: string) => Promise<unknown> = createRequire(import.meta.url)('./native-import.cjs');

/** Puts another stream in the place of one of this process, which is a terminal as little as a pipe is. @returns puts it back */
const replace = (name: 'stdin' | 'stdout' | 'stderr', stream: Readable | Writable): (() => void) => {
  const own = Object.getOwnPropertyDescriptor(process, name) ?? {};
  Object.defineProperty(process, name, { configurable: true, value: stream });
  return () => {
    Object.defineProperty(process, name, own);
  };
};

class Collected extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}

let runs = 0;

const runOnce = async (args: readonly string[], input: string | Uint8Array): Promise<Finished> => {
  const { argv, exitCode } = process;
  const [stdout, stderr] = [new Collected(), new Collected()];
  const back = [
    replace('stdin', Readable.from([Buffer.from(input)])),
    replace('stdout', stdout),
    replace('stderr', stderr),
  ];
  Object.assign(process, { argv: [process.execPath, MAIN, ...args], exitCode: 0 });
  try {
    // With another query it is another module, while what it imports is there already: only its own lines run again.
    await importAgain(`${pathToFileURL(MAIN).href}?run=${++runs}`);
    return { status: process.exitCode ?? 0, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    for (const one of back) one();
    Object.assign(process, { argv, exitCode });
  }
};

let last: Promise<unknown> = Promise.resolve();

/** The same as {@link program}, with something to read from standard input. */
export const programReading = (input: string | Uint8Array, ...args: readonly string[]): Promise<Finished> => {
  const mine = last.then(() => runOnce(args, input));
  last = mine.catch(() => undefined);
  return mine;
};

/**
 * The built program in this process, to its end, one at a time: to load it takes longer than most of what it is asked for.
 * For commands that print something and end. What is about signals, terminals, the environment, or the process and how it
 * ends, needs one of its own: `mcbridge` in `bridge.ts`.
 */
export const program = (...args: readonly string[]): Promise<Finished> => programReading('', ...args);
