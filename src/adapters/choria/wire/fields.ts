import { isUtf8 } from 'node:buffer';
import { Rejection } from '../../../envelope/rejection.ts';
import { quoted } from '../../../envelope/text.ts';
import { checkShape } from './shape.ts';

/** An object as it came out of `JSON.parse`: nothing is known of its fields until a reader here has looked. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws Rejection `malformed_json` where the bytes are not UTF-8 */
export const utf8 = (bytes: Uint8Array, what: string): string => {
  if (!isUtf8(bytes)) throw new Rejection('malformed_json', `${what} is not UTF-8 text`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
};

/**
 * One of the protocol's own objects, whose numbers all are small. Bodies go through `parseJson` instead.
 * @throws Rejection `malformed_json`, `limit_exceeded`
 */
export const parseObject = (text: string, what: string): JsonObject => {
  checkShape(text, what);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The engine's own sentence quotes the message; only the position is fit for a log.
    const at = error instanceof Error ? /at position \d+/.exec(error.message)?.[0] : undefined;
    throw new Rejection('malformed_json', `${what} is not JSON${at === undefined ? '' : ` (${at})`}`);
  }
  if (!isObject(value)) throw new Rejection('malformed_json', `${what} is not a JSON object`);
  return value;
};

/**
 * A name as Go's encoding/json takes it: without regard to case, of two that are alike the last counts. The Kelvin
 * sign's lower case is a `k`; the long s has none, but is Go's other `s`.
 */
export const foldedName = (name: string): string => name.toLowerCase().replaceAll('ſ', 's');

/**
 * Of `{"message":…,"Message":…}` Go's nodes read the second, whatever was read and verified here.
 * @param names of all fields that Go reads
 * @throws Rejection `invalid_field`
 */
export const refuseTwins = (object: JsonObject, names: ReadonlySet<string>, what: string): void => {
  for (const name of Object.keys(object))
    if (!names.has(name) && names.has(foldedName(name)))
      throw new Rejection(
        'invalid_field',
        `${what} has a field that differs from its ${foldedName(name)} in case alone`,
      );
};

const V2 = 'io.choria.protocol.v2.';

/** @throws Rejection `missing_field` or `wrong_protocol` */
export const requireProtocol = (object: JsonObject, expected: string, what: string): void => {
  const protocol = object['protocol'];
  if (protocol === expected) return;
  if (protocol === undefined) throw new Rejection('missing_field', `${what} does not name its protocol`);
  const name = typeof protocol === 'string' ? quoted(protocol.slice(0, 64)) : typeof protocol;
  const hint =
    typeof protocol === 'string' && protocol.startsWith(V2) ? '; protocol 2 is not translated' : '';
  throw new Rejection('wrong_protocol', `${what} speaks ${name}, not "${expected}"${hint}`);
};

const field = (object: JsonObject, name: string, what: string): unknown => {
  const value = object[name];
  if (value === undefined) throw new Rejection('missing_field', `${what} has no ${name}`);
  return value;
};

const wrongType = (name: string, what: string, wanted: string): Rejection =>
  new Rejection('invalid_field', `the ${name} of ${what} is not ${wanted}`);

/** @throws Rejection `missing_field` or `invalid_field` */
export const stringField = (object: JsonObject, name: string, what: string): string => {
  const value = field(object, name, what);
  if (typeof value !== 'string') throw wrongType(name, what, 'a string');
  return value;
};

/** @throws Rejection `missing_field` or `invalid_field` */
export const integerField = (object: JsonObject, name: string, what: string): number => {
  const value = field(object, name, what);
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrongType(name, what, 'an integer');
  return value;
};

/** @throws Rejection `missing_field` or `invalid_field` */
export const objectField = (object: JsonObject, name: string, what: string): JsonObject => {
  const value = field(object, name, what);
  if (!isObject(value)) throw wrongType(name, what, 'an object');
  return value;
};

/** @throws Rejection `invalid_field` */
export const optionalString = (object: JsonObject, name: string, what: string): string | undefined =>
  object[name] === undefined ? undefined : stringField(object, name, what);

/** @throws Rejection `invalid_field` */
export const optionalList = (
  object: JsonObject,
  name: string,
  what: string,
): readonly unknown[] | undefined => {
  const value = object[name];
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw wrongType(name, what, 'a list');
  return value;
};

/** @throws Rejection `invalid_field` where an entry is not a string */
export const strings = (list: readonly unknown[], name: string, what: string): readonly string[] =>
  list.map((entry) => {
    if (typeof entry !== 'string') throw wrongType(name, what, 'a list of strings');
    return entry;
  });
