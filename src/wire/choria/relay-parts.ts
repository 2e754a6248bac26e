import { isObject, type JsonObject, objectField, parseObject, stringField } from './fields.ts';
import { checkShape } from './shape.ts';

export const TRANSPORT_V1 = 'choria:transport:1';
export const TRANSPORT_V2 = 'io.choria.protocol.v2.transport';

/** A transport message taken apart. */
export interface RelayParts {
  readonly protocol: string;
  /** JSON text of a string. */
  readonly data: string;
  readonly headers: JsonObject;
}

const HEADS: readonly (readonly [protocol: string, head: string])[] = [TRANSPORT_V1, TRANSPORT_V2].map(
  (protocol) => [protocol, `{"protocol":"${protocol}","data":"`],
);
const REST = ',"headers":{';

const parse = (text: string, what: string): RelayParts => {
  const object = parseObject(text, what);
  return {
    protocol: stringField(object, 'protocol', what),
    data: JSON.stringify(stringField(object, 'data', what)),
    headers: objectField(object, 'headers', what),
  };
};

/** Undefined for a message that is not as Ruby and Go both write it, be it good or bad. */
const cut = (text: string, what: string): RelayParts | undefined => {
  const found = HEADS.find(([, head]) => text.startsWith(head));
  if (found === undefined) return undefined;
  const [protocol, head] = found;
  const end = text.indexOf('"', head.length);
  // Before a quote that an escape makes part of the string; base64 has none.
  if (end === -1 || text[end - 1] === '\\' || !text.startsWith(REST, end + 1)) return undefined;
  const data = text.slice(head.length - 1, end + 1);
  checkShape(text.slice(end + 1), what);
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
 * @throws Rejection `malformed_json`, `missing_field`, `invalid_field`, `limit_exceeded`
 */
export const relayParts = (text: string, what: string): RelayParts => cut(text, what) ?? parse(text, what);
