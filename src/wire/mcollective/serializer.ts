import { Rejection } from '../../envelope/rejection.ts';
import { decodeMarshal, decodeYaml, encodeMarshal, encodeYaml } from '../ruby/index.ts';
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

export const createSerializer = (name: SerializerName, limits: RubyLimits): Serializer => {
  const [decode, encode, malformed] =
    name === 'yaml'
      ? ([decodeYaml, encodeYaml, 'malformed_yaml'] as const)
      : ([decodeMarshal, encodeMarshal, 'malformed_marshal'] as const);
  return {
    name,
    decode: (bytes) => {
      try {
        return decode(bytes, limits);
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
