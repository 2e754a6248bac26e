import { createSerializer, type Serializer, type SerializerName } from '../wire/mcollective/serializer.ts';
import { DEFAULT_RUBY_LIMITS, type RubyHash } from '../wire/ruby/index.ts';

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

/** Ruby begins every YAML document so. */
export const looksLikeYaml = (bytes: Buffer): boolean => /^---[ \n\r]/.test(bytes.toString('latin1', 0, 4));
