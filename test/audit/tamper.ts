import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Finding } from '../../src/audit/verify/verify.ts';
import { makeAudit, makeKey, recordOf, verified } from './world.ts';

/** A file of an audit that nobody has touched, and a place for one that somebody has. */
export const makeTamper = async (lines: number, every = 100) => {
  const { verifier, signer } = makeKey();
  const { file, open, heads } = makeAudit({ signer, every });
  const audit = open();
  const records = Array.from({ length: lines }, (_, index) => recordOf(index));
  for (let from = 0; from < lines; from += 50) await audit.write(records.slice(from, from + 50), false);
  await audit.close();
  const whole = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const copy = join(dirname(file), 'copy');
  const found = async (bytes: string | Buffer, options: { readonly knows?: true } = {}) => {
    writeFileSync(copy, bytes);
    const known = options.knows === true ? { heads: heads.slice(-1) } : {};
    return (await verified([copy], verifier, known)).findings;
  };
  return { whole, found };
};

const LINE_END = 0x0a;

const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** What is put in the place of so many lines. */
export interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly put: readonly string[];
}

/** What somebody can do with the line of an index; undefined where it cannot be done. */
export const TAMPERINGS: Readonly<
  Record<string, (whole: readonly string[], at: number) => Edit | undefined>
> = {
  deleted: (_, at) => ({ at, remove: 1, put: [] }),
  doubled: (whole, at) => ({ at, remove: 0, put: [whole[at] ?? ''] }),
  'swapped with the next': (whole, at) =>
    at + 1 >= whole.length ? undefined : { at, remove: 2, put: [whole[at + 1] ?? '', whole[at] ?? ''] },
  'cut in its middle': (whole, at) => {
    const line = whole[at] ?? '';
    return { at, remove: 1, put: [line.slice(0, line.length / 2)] };
  },
  'put in between, made up': (whole, at) => ({
    at,
    remove: 0,
    put: [(whole[at] ?? '').replace('alice', 'mallory')],
  }),
};

/** What is left of the file, and the number of each edit's first line in it. @param edits in the order of their lines */
export const edited = (
  whole: readonly string[],
  edits: readonly Edit[],
): { readonly bytes: string; readonly places: readonly number[] } => {
  const lines: string[] = [];
  const places: number[] = [];
  let next = 0;
  for (const { at, remove, put } of edits) {
    lines.push(...whole.slice(next, at));
    places.push(lines.length + 1);
    lines.push(...put);
    next = at + remove;
  }
  lines.push(...whole.slice(next));
  return { bytes: text(lines), places };
};

/** How many lines the nearest finding is away from a line; one about the file is at its end. */
export const distance = (findings: readonly Finding[], place: number, last: number): number =>
  Math.min(...findings.map(({ line = last }) => Math.abs(line - place)));

/** With one bit of one byte of some lines changed; of a shorter line its last byte, the line end. */
export const flipped = (
  whole: readonly string[],
  lines: readonly number[],
  byte: number,
  bit: number,
): { readonly bytes: Buffer; readonly places: readonly number[] } => {
  const bytes = Buffer.from(text(whole));
  let start = 0;
  const starts = whole.map((line) => {
    const before = start;
    start += Buffer.byteLength(line) + 1;
    return before;
  });
  const changed = lines.map((at) => Math.min((starts[at] ?? 0) + byte, (starts[at + 1] ?? start) - 1));
  for (const place of changed) bytes.writeUInt8((bytes[place] ?? 0) ^ (1 << bit), place);
  // Without its line end a line is one with the next, and another byte may have become a line end.
  const before = (place: number): number => bytes.subarray(0, place).filter((it) => it === LINE_END).length;
  return { bytes, places: changed.map((place) => before(place) + 1) };
};

export const cutAfter = (whole: readonly string[], at: number): string => text(whole.slice(0, at + 1));

/** What is left where the line of an index was the last one that was written, and not to its end. */
export const cutWithin = (whole: readonly string[], at: number): string => {
  const line = whole[at] ?? '';
  return text(whole.slice(0, at)) + line.slice(0, line.length / 2);
};
