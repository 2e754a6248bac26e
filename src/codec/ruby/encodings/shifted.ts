import type { EncodingTable } from './packed.ts';
import { readCharacter, TextBuilder } from './table.ts';

const ESCAPE = 0x1b;
type Set = 'ascii' | 'katakana' | 'kanji' | 'old kanji';
const SETS: ReadonlyMap<string, Set> = new Map([
  ['(B', 'ascii'],
  ['(J', 'ascii'],
  ['$B', 'kanji'],
  ['$@', 'old kanji'],
]);
/** Rows that vendors added to JIS X 0208: Ruby knows none behind `ESC $ @`, which is of 1978 (tried with Ruby 3.1). */
const isVendorRow = (byte: number): boolean => byte === 0x2d || (byte >= 0x79 && byte <= 0x7c);
/** Half-width katakana begin here, for the byte 0x21. */
const KATAKANA = 0xff61;

export interface ShiftedOptions {
  /** Characters of two bytes behind `ESC $ B`. */
  readonly kanji: EncodingTable;
  /** Whether the same are behind `ESC $ @`. */
  readonly oldKanji: boolean;
  /** Whether there are half-width katakana: behind `ESC ( I` and SO, and in eight bits. */
  readonly katakana: boolean;
}

/** ISO-2022-JP and its relatives, in which escape sequences say what the bytes after them mean. */
export const decodeShifted = (bytes: Buffer, options: ShiftedOptions): string | undefined => {
  const into = new TextBuilder();
  let set: Set = 'ascii';
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0;
    if (byte === ESCAPE) {
      const sequence = bytes.toString('latin1', at + 1, at + 3);
      const next = options.katakana && sequence === '(I' ? 'katakana' : SETS.get(sequence);
      if (next === undefined) return undefined;
      set = next;
      at += 3;
    } else if (byte === 0x0e || byte === 0x0f) {
      if (!options.katakana) return undefined;
      set = byte === 0x0e ? 'katakana' : 'ascii';
      at += 1;
    } else if (set === 'kanji' || (set === 'old kanji' && options.oldKanji)) {
      const isNone = byte === 0 || (set === 'old kanji' && isVendorRow(byte));
      at = isNone ? -1 : readCharacter(options.kanji, bytes, at, into);
      if (at < 0) return undefined;
    } else if (options.katakana && set !== 'old kanji' && byte >= 0xa1 && byte <= 0xdf) {
      into.unit(KATAKANA + byte - 0xa1);
      at += 1;
    } else if (set === 'katakana' && byte >= 0x21 && byte <= 0x5f) {
      into.unit(KATAKANA + byte - 0x21);
      at += 1;
    } else if (set === 'ascii' && byte < 0x80) {
      into.unit(byte);
      at += 1;
    } else return undefined;
  }
  return into.result();
};
