import { Rejection } from '../../envelope/rejection.ts';
import { DEFAULT_YAML_LIMITS, decodeMarshal, decodeYaml, encodeMarshal, encodeYaml } from '../ruby/index.ts';
import { RubyError, type RubyLimits, type RubyValue } from '../ruby/value.ts';

/** `plugin.ssl_serializer`: one for a whole collective, used for both layers of a message. */
export type SerializerName = 'marshal' | 'yaml';

export interface Serializer {
  readonly name: SerializerName;
  /** @throws Rejection `malformed_marshal`, `malformed_yaml`, `limit_exceeded`, `unsupported_class`, `unsupported_value` */
  decode(bytes: Uint8Array): RubyValue;
  encode(value: RubyValue): Buffer;
}

const reject = (error: unknown, malformed: 'malformed_marshal' | 'malformed_yaml'): Rejection => {
  if (!(error instanceof RubyError)) throw error;
  const known = error.offset === undefined || error.message.endsWith(`at byte ${error.offset}`);
  const where = known ? '' : ` at byte ${error.offset}`;
  switch (error.code) {
    case 'malformed':
      return new Rejection(malformed, `${error.message}${where}`, {}, { cause: error });
    case 'limit':
      return new Rejection('limit_exceeded', `${error.message}${where}`, {}, { cause: error });
    case 'class':
      return new Rejection('unsupported_class', error.message, {}, { cause: error });
    case 'cycle':
    case 'unwritable':
      return new Rejection('unsupported_value', error.message, {}, { cause: error });
  }
};

/** YAML costs fifty times what Marshal costs, so whatever the limits, it stays within its own. */
const yamlLimits = (limits: RubyLimits): RubyLimits => ({
  maxBytes: Math.min(limits.maxBytes, DEFAULT_YAML_LIMITS.maxBytes),
  maxDepth: Math.min(limits.maxDepth, DEFAULT_YAML_LIMITS.maxDepth),
  maxElements: Math.min(limits.maxElements, DEFAULT_YAML_LIMITS.maxElements),
});

export const createSerializer = (name: SerializerName, limits: RubyLimits): Serializer => {
  const applied = name === 'yaml' ? yamlLimits(limits) : limits;
  const [decode, encode, malformed] =
    name === 'yaml'
      ? ([decodeYaml, encodeYaml, 'malformed_yaml'] as const)
      : ([decodeMarshal, encodeMarshal, 'malformed_marshal'] as const);
  return {
    name,
    decode: (bytes) => {
      try {
        return decode(bytes, applied);
      } catch (error) {
        throw reject(error, malformed);
      }
    },
    encode: (value) => {
      try {
        return encode(value);
      } catch (error) {
        throw reject(error, malformed);
      }
    },
  };
};
