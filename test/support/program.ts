import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Finished } from './process.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Vitest's own import takes a module of another URL for the same. */
const importAgain: (url: string) => Promise<unknown> = createRequire(import.meta.url)('./native-import.cjs');

/** Stands for stdout or stderr, and is a terminal as little as a pipe is. @returns what was written, once it is back */
const takePlaceOf = (name: 'stdout' | 'stderr'): (() => string) => {
  const own = Object.getOwnPropertyDescriptor(process, name) ?? {};
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      chunks.push(chunk);
      done();
    },
  });
  Object.defineProperty(process, name, { configurable: true, value: stream });
  return () => {
    Object.defineProperty(process, name, own);
    return Buffer.concat(chunks).toString();
  };
};

let runs = 0;

const runOnce = async (args: readonly string[]): Promise<Finished> => {
  const { argv, exitCode } = process;
  const outputs = [takePlaceOf('stdout'), takePlaceOf('stderr')];
  let status: number | string = 0;
  let [stdout, stderr] = ['', ''];
  Object.assign(process, { argv: [process.execPath, MAIN, ...args], exitCode: 0 });
  try {
    // With another query it is another module, while what it imports is there already: only its own lines run again.
    await importAgain(`${pathToFileURL(MAIN).href}?run=${++runs}`);
  } finally {
    status = process.exitCode ?? 0;
    [stdout = '', stderr = ''] = outputs.map((back) => back());
    Object.assign(process, { argv, exitCode });
  }
  return { status, stdout, stderr };
};

let last: Promise<unknown> = Promise.resolve();

/**
 * The built program in this process, to its end: a start of its own takes as long as most of what it is asked for.
 * For commands that print something and end; not for what is about its signals, its standard input, or its end itself.
 */
export const program = (...args: readonly string[]): Promise<Finished> => {
  const mine = last.then(() => runOnce(args));
  last = mine.catch(() => undefined);
  return mine;
};
