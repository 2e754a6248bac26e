import {
  createSerializer,
  type Serializer,
  type SerializerName,
} from '../adapters/mcollective/wire/serializer.ts';
import { DEFAULT_RUBY_LIMITS, type RubyHash } from '../codec/ruby/index.ts';

/** A hash, and the bytes that it was read from. */
export interface Document {
  readonly bytes: Buffer;
  readonly hash: RubyHash;
  readonly serializer: Serializer;
}

/** With the limits of a bridge, so that what one refuses is seen here. */
export const SERIALIZERS: Readonly<Record<SerializerName, Serializer>> = {
  marshal: createSerializer('marshal', DEFAULT_RUBY_LIMITS),
  yaml: createSerializer('yaml', DEFAULT_RUBY_LIMITS),
};

/** Marshal 4.8, which every Ruby since 1.8 writes. */
export const looksLikeMarshal = (bytes: Buffer): boolean => bytes[0] === 4 && bytes[1] === 8;

/** Ruby begins every YAML document by three dashes; a directive may come before them. */
const STARTED = /^(?:%YAML [^\n]{1,20}\n)?---[ \n\r]/;
/** Other languages leave them out; then there is a mapping of symbols, which in quotes would be texts. */
const SYMBOLS = /^(?::[a-z_]+|!ruby\/sym(?:bol)? [a-z_]+)[ \t]*:(?:\s|$)/;
/** Comments and empty lines come before either. */
const AHEAD = /^(?:\uFEFF|[ \t]*#[^\n]*\n|[ \t\r]*\n)/;

const EXCERPT_BYTES = 2_048;

/** Whether it begins as YAML of MCollective does, in whatever language it was written. */
export const looksLikeYaml = (bytes: Buffer): boolean => {
  let beginning = bytes.toString('utf8', 0, EXCERPT_BYTES);
  for (let ahead = AHEAD.exec(beginning); ahead !== null; ahead = AHEAD.exec(beginning))
    beginning = beginning.slice(ahead[0].length);
  return STARTED.test(beginning) || SYMBOLS.test(beginning);
};
