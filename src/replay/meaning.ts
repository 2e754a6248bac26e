import type { CassetteMessage } from '../cassette/format.ts';
import { looksLikeMarshal, looksLikeYaml, SERIALIZERS } from '../decode/document.ts';
import { inspect } from '../decode/ruby-value.ts';
import { Rejection } from '../envelope/rejection.ts';
import { isMap, type Value, type ValueMap } from '../envelope/value.ts';
import { tryDecodeBase64 } from '../wire/base64.ts';
import { formatJson, parseJson } from '../wire/choria/index.ts';
import { fieldBytes, textOf } from '../wire/mcollective/text.ts';
import {
  RubyHash,
  RubyRegexp,
  RubySet,
  RubyString,
  RubyStruct,
  RubySymbol,
  RubyTime,
  type RubyValue,
} from '../wire/ruby/index.ts';

/**
 * What a message says, with the types that its format has but without what differs by nature: signatures, checksums,
 * reply tokens, the order of keys and the line breaks of base64. A leaf is written as a programmer would.
 */
export type Meaning = string | readonly Meaning[] | ReadonlyMap<string, Meaning>;

export const isTree = (meaning: Meaning): meaning is ReadonlyMap<string, Meaning> => meaning instanceof Map;

const SIGNATURE = '(signature)';
const CHECKSUM = '(checksum)';
const CERTIFICATE = '(certificate)';

/** Reply tokens are at least 60 characters of base64url; no part of a client's own reply destination is. */
const LEGACY_WAY = /^(\/queue\/[\w-]+\.reply\.[\w.-]+\.)[\w-]{40,}$/;
const CHORIA_WAY = /^([\w-]+\.reply\.mcbridge\.)[\w-]{40,}$/;

/** A destination with the reply token in it, if any, left open. */
export const withoutToken = (destination: string): string =>
  destination.replace(LEGACY_WAY, '$1(token)').replace(CHORIA_WAY, '$1(token)');

const rubyText = (value: RubyString): string =>
  `${JSON.stringify(textOf(value) ?? value.bytes.toString('latin1'))} (${value.encoding})`;

const rubyMeaning = (value: RubyValue): Meaning => {
  if (typeof value === 'string') return JSON.stringify(withoutToken(value));
  if (value instanceof RubyString) return rubyText(value);
  if (value instanceof RubyHash) return hashMeaning(value);
  if (value instanceof RubySet) return new Map([['Set', value.members.map(rubyMeaning)]]);
  if (value instanceof RubyStruct)
    return new Map([
      [
        `struct ${value.className}`,
        new Map(value.members.map(([name, member]) => [name, rubyMeaning(member)] as const)),
      ],
    ]);
  if (value instanceof RubyRegexp) return `/${value.source}/ (options ${value.options})`;
  if (value instanceof RubyTime) return `Time ${value.nanoseconds} ns, offset ${value.offset ?? 'UTC'}`;
  if (Array.isArray(value)) return value.map(rubyMeaning);
  // A Float shows as one where it could be taken for an Integer.
  if (typeof value === 'object' && value !== null && !(value instanceof RubySymbol))
    return `Float ${inspect(value)}`;
  return inspect(value);
};

const isNamed = (key: RubyValue, name: string): boolean => key instanceof RubySymbol && key.name === name;

function hashMeaning(hash: RubyHash): Meaning {
  const isMessage = hash.symbol('hash') !== undefined && hash.symbol('body') !== undefined;
  return new Map(
    hash.entries.map(([key, value]): [string, Meaning] => {
      const name = inspect(key);
      if (isMessage && isNamed(key, 'hash')) return [name, SIGNATURE];
      const bytes = isMessage && isNamed(key, 'body') ? fieldBytes(value) : undefined;
      return [name, bytes === undefined ? rubyMeaning(value) : bodyMeaning(bytes)];
    }),
  );
}

/** Keys of Choria's messages that hold another message, or what is different each time. */
const choriaField = (protocol: string, key: string, value: string): Meaning | undefined => {
  const isSecure = protocol.includes('secure');
  if (key === 'data' && protocol.includes('transport')) {
    const bytes = tryDecodeBase64(value);
    return bytes && bodyMeaning(bytes);
  }
  if (key === 'message') return bodyMeaning(Buffer.from(value));
  if (isSecure && key === 'signature') return SIGNATURE;
  if (isSecure && key === 'hash') return CHECKSUM;
  if (isSecure && key === 'pubcert') return CERTIFICATE;
  return undefined;
};

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** A hop is the server that a message came by, who handled it, and the server that it left by. */
const SERVERS: ReadonlySet<number> = new Set([0, 2]);

/** A trail without its servers: a bridge is connected to any one of several. */
const trailMeaning = (hops: readonly Value[]): Meaning =>
  hops.map((hop) =>
    isList(hop) ? hop.map((part, i) => (SERVERS.has(i) ? '(server)' : jsonMeaning(part))) : jsonMeaning(hop),
  );

const jsonMeaning = (value: Value): Meaning => {
  if (typeof value === 'string') return formatJson(withoutToken(value));
  if (isMap(value)) return objectMeaning(value);
  if (isList(value)) return value.map(jsonMeaning);
  return formatJson(value);
};

/** What protocol 1 and 2 call the trail among the headers of a transport message. */
const TRAILS: ReadonlySet<string> = new Set(['seen-by', 'trace']);

const headersMeaning = (headers: ValueMap): Meaning =>
  new Map(
    [...headers].map(([key, value]) => [
      key,
      TRAILS.has(key) && isList(value) ? trailMeaning(value) : jsonMeaning(value),
    ]),
  );

function objectMeaning(map: ValueMap): Meaning {
  const protocol = map.get('protocol');
  return new Map(
    [...map].map(([key, value]): [string, Meaning] => {
      if (typeof protocol !== 'string') return [key, jsonMeaning(value)];
      if (key === 'headers' && protocol.includes('transport') && isMap(value))
        return [key, headersMeaning(value)];
      const special = typeof value === 'string' ? choriaField(protocol, key, value) : undefined;
      return [key, special ?? jsonMeaning(value)];
    }),
  );
}

const documentMeaning = (bytes: Buffer): Meaning | undefined => {
  const format = looksLikeMarshal(bytes) ? 'marshal' : looksLikeYaml(bytes) ? 'yaml' : undefined;
  if (format === undefined) return undefined;
  return new Map<string, Meaning>([
    ['serializer', format],
    ['message', rubyMeaning(SERIALIZERS[format].decode(bytes))],
  ]);
};

/** A body, or a document inside one. What it cannot be read as, it is as text or bytes. */
export function bodyMeaning(bytes: Buffer): Meaning {
  try {
    const document = documentMeaning(bytes);
    if (document !== undefined) return document;
    const beginning = bytes.toString('latin1', 0, 1);
    if (beginning === '{' || beginning === '[' || beginning === '"')
      return jsonMeaning(parseJson(bytes.toString()));
    const decoded = bytes.length >= 8 ? tryDecodeBase64(bytes.toString('latin1')) : undefined;
    const inside = decoded && documentMeaning(decoded);
    if (inside !== undefined) return new Map([['base64', inside]]);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
  }
  return inspect(bytes.toString('latin1'));
}

/** What is compared of a message: where it goes, its headers and what it says. */
export const meaningOf = (message: CassetteMessage, body: Buffer): ReadonlyMap<string, Meaning> => {
  const { destination, reply_to: replyTo, headers = {} } = message;
  return new Map<string, Meaning>([
    ['destination', withoutToken(destination)],
    ...(replyTo === undefined ? [] : [['reply_to', withoutToken(replyTo)] as const]),
    ['headers', new Map(Object.entries(headers))],
    ['body', bodyMeaning(body)],
  ]);
};
