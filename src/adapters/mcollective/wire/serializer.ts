import {
  DEFAULT_YAML_LIMITS,
  decodeMarshal,
  decodeYaml,
  encodeMarshal,
  encodeYaml,
} from '../../../codec/ruby/index.ts';
import { pathText } from '../../../codec/ruby/path.ts';
import { RubyError, type RubyLimits, type RubyValue } from '../../../codec/ruby/value.ts';
import { Rejection } from '../../../envelope/rejection.ts';

/** `plugin.ssl_serializer`: one for a whole collective, used for both layers of a message. */
export type SerializerName = 'marshal' | 'yaml';

export interface Serializer {
  readonly name: SerializerName;
  /** @throws Rejection `malformed_marshal`, `malformed_yaml`, `limit_exceeded`, `unsupported_value` */
  decode(bytes: Uint8Array): RubyValue;
  /** The document around the signed one, of which nothing is proven yet, and which holds little. @throws Rejection as `decode` */
  decodeOuter(bytes: Uint8Array): RubyValue;
  encode(value: RubyValue): Buffer;
}

const reject = (error: unknown, malformed: 'malformed_marshal' | 'malformed_yaml'): Rejection => {
  if (!(error instanceof RubyError)) throw error;
  const known = error.offset === undefined || error.message.endsWith(`at byte ${error.offset}`);
  const place = error.path.length === 0 ? '' : `, in ${pathText(error.path)}`;
  const where = `${known ? '' : ` at byte ${error.offset}`}${place}`;
  switch (error.code) {
    case 'malformed':
      return new Rejection(malformed, `${error.message}${where}`, {}, { cause: error });
    case 'limit':
      return new Rejection('limit_exceeded', `${error.message}${where}`, {}, { cause: error });
    case 'cycle':
    case 'unwritable':
      return new Rejection('unsupported_value', `${error.message}${where}`, {}, { cause: error });
  }
};

/** YAML costs fifty times what Marshal costs, so whatever the limits, it stays within its own. */
const yamlLimits = (limits: RubyLimits): RubyLimits => ({
  maxBytes: Math.min(limits.maxBytes, DEFAULT_YAML_LIMITS.maxBytes),
  maxDepth: Math.min(limits.maxDepth, DEFAULT_YAML_LIMITS.maxDepth),
  maxElements: Math.min(limits.maxElements, DEFAULT_YAML_LIMITS.maxElements),
});

/** A dozen fields, and a filter; one of a thousand facts has 10,000 values. YAML costs so much that it may have fewer. */
const OUTER_ELEMENTS = { marshal: 20_000, yaml: 5_000 } as const;

export const createSerializer = (name: SerializerName, limits: RubyLimits): Serializer => {
  const applied = name === 'yaml' ? yamlLimits(limits) : limits;
  const [decode, encode, malformed] =
    name === 'yaml'
      ? ([decodeYaml, encodeYaml, 'malformed_yaml'] as const)
      : ([decodeMarshal, encodeMarshal, 'malformed_marshal'] as const);
  const outer = { ...applied, maxElements: Math.min(applied.maxElements, OUTER_ELEMENTS[name]) };
  const read = (bytes: Uint8Array, within: RubyLimits): RubyValue => {
    try {
      return decode(bytes, within);
    } catch (error) {
      throw reject(error, malformed);
    }
  };
  return {
    name,
    decode: (bytes) => read(bytes, applied),
    decodeOuter: (bytes) => read(bytes, outer),
    encode: (value) => {
      try {
        return encode(value);
      } catch (error) {
        throw reject(error, malformed);
      }
    },
  };
};
