import { brotliDecompressSync } from 'node:zlib';
import { z } from 'zod';
import { PACKED } from './tables.ts';

const HEAD = z.object({
  names: z.record(z.string(), z.array(z.string())),
  dummies: z.array(z.string()),
  tables: z.record(z.string(), z.object({ at: z.number(), texts: z.array(z.string()) })),
  gb18030: z.array(z.tuple([z.number(), z.number(), z.number()])),
  variants: z.record(z.string(), z.record(z.string(), z.string())),
  compositions: z.string(),
});

/** One encoding's nodes of 256 cells, a cell a byte; see pack.mjs for what is in a cell. */
export interface EncodingTable {
  readonly cells: Uint16Array;
  readonly texts: readonly string[];
}

export interface EncodingTables {
  /** Ruby's name of an encoding by any of its names, all in lower case. */
  readonly nameOf: ReadonlyMap<string, string>;
  /** Encodings in which the bytes of ASCII need not mean ASCII. */
  readonly dummies: ReadonlySet<string>;
  readonly tables: ReadonlyMap<string, EncodingTable>;
  /** Runs of GB18030's four-byte sequences: the first, its code point, how many. */
  readonly gb18030: readonly (readonly [first: number, code: number, count: number])[];
  /** What differs from UTF-8: code points and their texts, empty where they have none. */
  readonly variants: ReadonlyMap<string, ReadonlyMap<number, string>>;
  /** Two characters to the one that UTF8-MAC makes of them. */
  readonly compositions: ReadonlyMap<string, string>;
}

const unpack = (): EncodingTables => {
  const bytes = brotliDecompressSync(Buffer.from(PACKED, 'base64'));
  const length = bytes.readUInt32LE(0);
  const head = HEAD.parse(JSON.parse(bytes.toString('utf8', 4, 4 + length)));
  const cells = new Uint16Array((bytes.length - 4 - length) / 2);
  for (let i = 0, at = 4 + length; i < cells.length; i++, at += 2) cells[i] = bytes.readUInt16LE(at);
  const names = Object.entries(head.names);
  return {
    nameOf: new Map(
      names.flatMap(([name, others]) => [name, ...others].map((one) => [one.toLowerCase(), name] as const)),
    ),
    dummies: new Set(head.dummies),
    tables: new Map(
      Object.entries(head.tables).map(([name, { at, texts }]) => [
        name,
        { cells: cells.subarray(at), texts },
      ]),
    ),
    gb18030: head.gb18030,
    variants: new Map(
      Object.entries(head.variants).map(([name, texts]) => [
        name,
        new Map(Object.entries(texts).map(([code, text]) => [Number(code), text])),
      ]),
    ),
    compositions: new Map(
      (head.compositions.match(/.../gsu) ?? []).map((three) => [three.slice(0, 2), three.slice(2)]),
    ),
  };
};

let unpacked: EncodingTables | undefined;

/** The tables of Ruby's encodings, unpacked when they are first needed: few processes ever do. */
export const encodingTables = (): EncodingTables => {
  unpacked ??= unpack();
  return unpacked;
};
