import { BINARY, isAscii, US_ASCII, UTF_8, utf8Text } from '../text.ts';
import { type EncodingTable, type EncodingTables, encodingTables } from './packed.ts';
import { decodeShifted } from './shifted.ts';
import { decodeGb18030, decodeTable } from './table.ts';
import { byByteOrder, decodeCesu8, decodeMac, decodeUtf16, decodeUtf32, decodeVariant } from './unicode.ts';

type Decoder = (bytes: Buffer) => string | undefined;

const shifted = (tables: EncodingTables, name: string): Decoder | undefined => {
  // CP50220 differs from CP50221 only in what Ruby writes.
  const kanji = tables.tables.get(`${name === 'CP50220' ? 'CP50221' : name} 0208`);
  const katakana = name.startsWith('CP');
  return kanji && ((bytes) => decodeShifted(bytes, { kanji, oldKanji: !name.endsWith('KDDI'), katakana }));
};

const tableDecoder = (name: string, table: EncodingTable, { gb18030 }: EncodingTables): Decoder =>
  name === 'GB18030' ? (bytes) => decodeGb18030(table, gb18030, bytes) : (bytes) => decodeTable(table, bytes);

/** By Ruby's name of the encoding; undefined where Ruby has no converter. */
const decoderFor = (name: string, tables: EncodingTables): Decoder | undefined => {
  switch (name) {
    case UTF_8:
      return (bytes) => utf8Text(bytes, 0, bytes.length);
    case 'UTF-16BE':
    case 'UTF-16LE':
      return (bytes) => decodeUtf16(bytes, name === 'UTF-16LE' ? 'LE' : 'BE');
    case 'UTF-32BE':
    case 'UTF-32LE':
      return (bytes) => decodeUtf32(bytes, name === 'UTF-32LE' ? 'LE' : 'BE');
    case 'UTF-16':
      return (bytes) => byByteOrder(bytes, 2, decodeUtf16);
    case 'UTF-32':
      return (bytes) => byByteOrder(bytes, 4, decodeUtf32);
    case 'CESU-8':
      return decodeCesu8;
    case 'UTF8-MAC':
      return (bytes) => decodeMac(bytes, tables);
  }
  const variant = tables.variants.get(name);
  if (variant !== undefined) return (bytes) => decodeVariant(bytes, variant);
  const table = tables.tables.get(name);
  return table === undefined ? shifted(tables, name) : tableDecoder(name, table, tables);
};

const decoders = new Map<string, Decoder | undefined>();

/** Bytes of an encoding that is not one of Ruby's: to Ruby they are binary. */
const asciiAlone: Decoder = (bytes) =>
  isAscii(bytes, 0, bytes.length) ? bytes.toString('latin1') : undefined;

/**
 * What Ruby's `encode("UTF-8")` makes of the bytes, by tables of Ruby's own; the runtime's converters are of no concern.
 * Bytes that declare no encoding but ASCII or none are text where they are valid UTF-8: daemons in the C locale, and
 * those of Ruby 1.8, say no more of all their strings.
 *
 * @param encoding any of Ruby's names of it
 * @returns undefined where Ruby raises an error
 */
export const textIn = (bytes: Buffer, encoding: string): string | undefined => {
  if (encoding === BINARY || encoding === US_ASCII || encoding === UTF_8)
    return utf8Text(bytes, 0, bytes.length);
  if (encoding === 'ISO-8859-1') return bytes.toString('latin1');
  const tables = encodingTables();
  const name = tables.nameOf.get(encoding.toLowerCase());
  if (name === undefined) return asciiAlone(bytes);
  if (name === BINARY || name === US_ASCII) return utf8Text(bytes, 0, bytes.length);
  if (!tables.dummies.has(name) && isAscii(bytes, 0, bytes.length)) return bytes.toString('latin1');
  if (!decoders.has(name)) decoders.set(name, decoderFor(name, tables));
  return decoders.get(name)?.(bytes);
};
