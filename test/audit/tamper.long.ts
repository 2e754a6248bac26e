import { describe, expect, it } from 'vitest';
import {
  cutAfter,
  cutWithin,
  distance,
  type Edit,
  edited,
  flipped,
  makeTamper,
  TAMPERINGS,
} from './tamper.ts';

const LINES = 2_000;
/** Lines between two that are tampered with at once. No multiple of it is near to that of heads, each of which is after so many. */
const APART = 30;
const TIMEOUT_MS = 600_000;

/**
 * What is verified is the whole file each time, by what the command calls. Where the place can be told, many lines are tampered with
 * at once, far from each other, and each has to be found at its own place: what the verifier knows from one line to the next is
 * gone some lines later. That one alone is found as well is tried of every line in tamper.test.ts, whose file is short, and
 * here of some. A file that ends too early is tried once for each end.
 */
describe('of a file of 2,000 records, mcbridge audit verify', () => {
  it.each(Object.entries(TAMPERINGS))(
    'finds each line that is %s, and says where',
    async (_, tamper) => {
      const { whole, found } = await makeTamper(LINES);
      const tampered = new Set<number>();
      const tryAll = async (edits: readonly Edit[]): Promise<void> => {
        const { bytes, places } = edited(whole, edits);
        const findings = await found(bytes, { knows: true });
        for (const [index, { at }] of edits.entries()) {
          const far = distance(findings, places[index] ?? 0, bytes.split('\n').length - 1);
          expect(far, `line ${at + 1}`).toBeLessThanOrEqual(1);
          tampered.add(at);
        }
      };
      const editsAt = (from: number, step: number): readonly Edit[] =>
        Array.from({ length: Math.ceil((whole.length - from) / step) }, (__, index) =>
          tamper(whole, from + index * step),
        ).filter((edit) => edit !== undefined);
      for (let from = 0; from < APART; from++) await tryAll(editsAt(from, APART));
      const possible = whole.filter((__, at) => tamper(whole, at) !== undefined);
      expect(tampered.size).toBe(possible.length);
      for (const edit of editsAt(0, 97)) await tryAll([edit]);
    },
    TIMEOUT_MS,
  );

  it(
    'finds where it ends too early, behind a line and within one',
    async () => {
      const { whole, found } = await makeTamper(LINES);
      for (let at = 0; at < whole.length; at++) {
        if (at < whole.length - 1)
          expect(await found(cutAfter(whole, at), { knows: true }), `line ${at + 1}`).not.toEqual([]);
        const within = await found(cutWithin(whole, at));
        expect(distance(within, at + 1, 0), `line ${at + 1}`).toBe(0);
      }
    },
    TIMEOUT_MS,
  );

  it(
    'finds a flipped bit in each byte of twenty lines, with heads among them and their line ends, and says where',
    async () => {
      const { whole, found } = await makeTamper(LINES);
      const step = Math.floor((whole.length - 1) / 19);
      const isHead = (line: string): boolean => line.includes('"kind":"head"');
      const headFrom = (at: number): number => at + whole.slice(at).findIndex(isHead);
      const lines = Array.from({ length: 20 }, (_, index) =>
        index % 6 === 5 || index === 19 ? headFrom(Math.min(index * step, whole.length - 1)) : index * step,
      );
      expect(lines.filter((at) => isHead(whole[at] ?? ''))).toHaveLength(4);
      const longest = Math.max(...lines.map((at) => Buffer.byteLength(whole[at] ?? '') + 1));
      const tryAll = async (some: readonly number[], byte: number): Promise<void> => {
        const { bytes, places } = flipped(whole, some, byte, byte % 8);
        const findings = await found(bytes);
        for (const [index, at] of some.entries())
          expect(
            distance(findings, places[index] ?? 0, whole.length),
            `line ${at + 1}, byte ${byte}`,
          ).toBeLessThanOrEqual(1);
      };
      for (let byte = 0; byte < longest; byte++) {
        await tryAll(lines, byte);
        if (byte % 32 === 0) for (const at of lines) await tryAll([at], byte);
      }
    },
    TIMEOUT_MS,
  );
});
