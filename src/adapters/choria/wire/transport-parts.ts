import { Rejection } from '../../../envelope/rejection.ts';
import { quoted } from '../../../envelope/text.ts';
import { isObject, type JsonObject, objectField, parseObject, stringField } from './fields.ts';
import { checkShape } from './shape.ts';
import { HEADERS_V1, HEADERS_V2, type HeaderNames } from './transport-headers.ts';

export const TRANSPORT_V1 = 'choria:transport:1';
export const TRANSPORT_V2 = 'io.choria.protocol.v2.transport';

const WHAT = 'the transport message';

const PROTOCOLS: ReadonlyMap<unknown, HeaderNames> = new Map([
  [TRANSPORT_V1, HEADERS_V1],
  [TRANSPORT_V2, HEADERS_V2],
]);

/** @throws Rejection `missing_field` or `wrong_protocol` */
export const headerNames = (protocol: unknown): HeaderNames => {
  const names = PROTOCOLS.get(protocol);
  if (names !== undefined) return names;
  if (protocol === undefined) throw new Rejection('missing_field', `${WHAT} does not name its protocol`);
  const name = typeof protocol === 'string' ? quoted(protocol.slice(0, 64)) : typeof protocol;
  throw new Rejection('wrong_protocol', `${WHAT} speaks ${name}, which is no transport of Choria`);
};

/** A transport message taken apart. */
export interface TransportParts {
  readonly protocol: string;
  /** JSON text of a string. */
  readonly data: string;
  readonly headers: JsonObject;
}

const HEADS: readonly (readonly [protocol: string, head: string])[] = [TRANSPORT_V1, TRANSPORT_V2].map(
  (protocol) => [protocol, `{"protocol":"${protocol}","data":"`],
);
const REST = ',"headers":{';

const parse = (text: string): TransportParts => {
  const object = parseObject(text, WHAT);
  headerNames(object['protocol']);
  return {
    protocol: stringField(object, 'protocol', WHAT),
    headers: objectField(object, 'headers', WHAT),
    data: JSON.stringify(stringField(object, 'data', WHAT)),
  };
};

/** Undefined for a message that is not as Ruby and Go both write it, be it good or bad. */
const cut = (text: string): TransportParts | undefined => {
  const found = HEADS.find(([, head]) => text.startsWith(head));
  if (found === undefined) return undefined;
  const [protocol, head] = found;
  const end = text.indexOf('"', head.length);
  // Before a quote that an escape makes part of the string; base64 has none.
  if (end === -1 || text[end - 1] === '\\' || !text.startsWith(REST, end + 1)) return undefined;
  const data = text.slice(head.length - 1, end + 1);
  checkShape(text.slice(end + 1), WHAT);
  let rest: unknown;
  try {
    // What is no JSON must not go out as part of some; to read it costs next to nothing, other than to write it anew.
    JSON.parse(data);
    rest = JSON.parse(`{${text.slice(end + 2)}`);
  } catch {
    return undefined;
  }
  // A second `data` or `protocol` would be the one that counts.
  if (!isObject(rest) || Object.keys(rest).length !== 1) return undefined;
  const headers = rest['headers'];
  if (!isObject(headers)) return undefined;
  return { protocol, data, headers };
};

/**
 * Takes a message apart without writing its data, which is most of it, anew: the escaped line feeds of Ruby's base64
 * would take longer than all else that a broker does with a message.
 * @throws Rejection `malformed_json`, `wrong_protocol`, `missing_field`, `invalid_field`, `limit_exceeded`
 */
export const transportParts = (text: string): TransportParts => cut(text) ?? parse(text);
