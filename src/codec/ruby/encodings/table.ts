import type { EncodingTable, EncodingTables } from './packed.ts';

/** What a cell is from these numbers on: a text of the table's own list, another node. As in pack.mjs. */
const TEXT = 0xd800;
const NODE = 0xdf00;

/** Parts of a long text: one `+=` a character would cost as much as the lookup. */
const CHUNK_UNITS = 4096;

/** Code units that become a text. */
export class TextBuilder {
  #text = '';
  readonly #units: number[] = [];

  unit(unit: number): void {
    this.#units.push(unit);
    if (this.#units.length === CHUNK_UNITS) this.#flush();
  }

  text(text: string): void {
    for (let i = 0; i < text.length; i++) this.unit(text.charCodeAt(i));
  }

  code(code: number): void {
    if (code < 0x10000) this.unit(code);
    else this.text(String.fromCodePoint(code));
  }

  #flush(): void {
    this.#text += String.fromCharCode(...this.#units);
    this.#units.length = 0;
  }

  result(): string {
    this.#flush();
    return this.#text;
  }
}

/**
 * Reads the character that begins at a byte, and puts it into the text.
 * @returns where it ends; -1 where there is none
 */
export const readCharacter = (
  { cells, texts }: EncodingTable,
  bytes: Uint8Array,
  start: number,
  into: TextBuilder,
): number => {
  let at = start;
  for (let node = 0; ; ) {
    const byte = bytes[at++];
    if (byte === undefined) return -1;
    const cell = cells[node * 256 + byte] ?? 0;
    if (cell >= NODE && cell < 0xe000) {
      node = cell - NODE;
      continue;
    }
    if (cell >= TEXT && cell < NODE) into.text(texts[cell - TEXT] ?? '');
    // NUL is itself in all of them.
    else if (cell !== 0 || (byte === 0 && node === 0)) into.unit(cell);
    else return -1;
    return at;
  }
};

/** @returns undefined where a sequence is not one of the encoding's, or has no character */
export const decodeTable = (table: EncodingTable, bytes: Uint8Array): string | undefined => {
  const into = new TextBuilder();
  for (let at = 0; at < bytes.length; ) {
    at = readCharacter(table, bytes, at, into);
    if (at < 0) return undefined;
  }
  return into.result();
};

/** The code point of a four-byte sequence; undefined where it has none. */
const fourByteCode = (runs: EncodingTables['gb18030'], index: number): number | undefined => {
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((runs[middle]?.[0] ?? 0) <= index) low = middle + 1;
    else high = middle;
  }
  const run = runs[low - 1];
  return run !== undefined && index < run[0] + run[2] ? run[1] + index - run[0] : undefined;
};

const isDigit = (byte: number | undefined): byte is number =>
  byte !== undefined && byte >= 0x30 && byte <= 0x39;
const isLead = (byte: number | undefined): byte is number =>
  byte !== undefined && byte >= 0x81 && byte <= 0xfe;

/** GB18030: as GBK, and sequences of four bytes in the order of the code points. */
export const decodeGb18030 = (
  table: EncodingTable,
  runs: EncodingTables['gb18030'],
  bytes: Uint8Array,
): string | undefined => {
  const into = new TextBuilder();
  for (let at = 0; at < bytes.length; ) {
    const [a, b] = [bytes[at], bytes[at + 1]];
    if (isLead(a) && isDigit(b)) {
      const [c, d] = [bytes[at + 2], bytes[at + 3]];
      if (!isLead(c) || !isDigit(d)) return undefined;
      const index = (((a - 0x81) * 10 + b - 0x30) * 126 + c - 0x81) * 10 + d - 0x30;
      const code = fourByteCode(runs, index);
      if (code === undefined) return undefined;
      into.code(code);
      at += 4;
    } else {
      at = readCharacter(table, bytes, at, into);
      if (at < 0) return undefined;
    }
  }
  return into.result();
};
