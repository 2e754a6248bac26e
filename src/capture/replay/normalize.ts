import { formatJson, parseJson } from '../../adapters/choria/wire/index.ts';
import { fieldBytes, textOf } from '../../adapters/mcollective/wire/text.ts';
import { tryDecodeBase64 } from '../../codec/base64.ts';
import {
  RubyHash,
  RubyRegexp,
  RubySet,
  RubyString,
  RubyStruct,
  RubySymbol,
  RubyTime,
  type RubyValue,
} from '../../codec/ruby/index.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { isMap, type Value, type ValueMap } from '../../envelope/value.ts';
import { looksLikeMarshal, looksLikeYaml, SERIALIZERS } from '../../inspect/document.ts';
import { inspect } from '../../inspect/ruby-value.ts';
import type { CassetteMessage } from '../file/format.ts';
import type { ReplyPaths } from './reply-paths.ts';

/**
 * What a message says, with the types that its format has but without what differs by nature: signatures, checksums,
 * reply tokens, the order of keys and the line breaks of base64. A leaf is written as a programmer would.
 */
export type Normalized = string | readonly Normalized[] | ReadonlyMap<string, Normalized>;

export const isTree = (normalized: Normalized): normalized is ReadonlyMap<string, Normalized> =>
  normalized instanceof Map;

/** As a person reads it. */
export const normalizedText = (normalized: Normalized): string => {
  if (typeof normalized === 'string') return normalized;
  if (isTree(normalized))
    return `{${[...normalized].map(([key, value]) => `${key}: ${normalizedText(value)}`).join(', ')}}`;
  return `[${normalized.map(normalizedText).join(', ')}]`;
};

const SIGNATURE = '(signature)';
const CHECKSUM = '(checksum)';
const CERTIFICATE = '(certificate)';

/** How a destination is compared: with its reply token, if any, left open. */
type WithoutToken = (destination: string) => string;

const AS_IT_IS: WithoutToken = (destination) => destination;

/**
 * How deep in a message something stands. Only envelopes have signatures, checksums and ways home of the bridge's; what
 * looks like one in what they carry is a client's or a node's own.
 */
type Place = 'message' | 'secure' | 'signed' | 'payload';

/** Keys are told apart by their type too; where two are the same all the same, or there twice, none may hide the other. */
const normalizedEntries = (entries: readonly (readonly [string, Normalized])[]): Normalized => {
  const map = new Map(entries);
  return map.size === entries.length ? map : entries.map(([key, value]) => new Map([[key, value]]));
};

const rubyText = (value: RubyString): string =>
  `${JSON.stringify(textOf(value) ?? value.bytes.toString('latin1'))} (${value.encoding})`;

const normalizedRuby = (value: RubyValue): Normalized => {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof RubyString) return rubyText(value);
  if (value instanceof RubyHash)
    return normalizedEntries(value.entries.map(([key, one]) => [rubyKey(key), normalizedRuby(one)] as const));
  if (value instanceof RubySet) return new Map([['Set', value.members.map(normalizedRuby)]]);
  if (value instanceof RubyStruct)
    return new Map([
      [
        `struct ${value.className}`,
        normalizedEntries(value.members.map(([name, member]) => [name, normalizedRuby(member)] as const)),
      ],
    ]);
  if (value instanceof RubyRegexp) return `/${value.source}/ (options ${value.options})`;
  if (value instanceof RubyTime) return `Time ${value.nanoseconds} ns, offset ${value.offset ?? 'UTC'}`;
  if (Array.isArray(value)) return value.map(normalizedRuby);
  // A Float shows as one where it could be taken for an Integer.
  if (typeof value === 'object' && value !== null && !(value instanceof RubySymbol))
    return `Float ${inspect(value)}`;
  return inspect(value);
};

const rubyKey = (key: RubyValue): string => normalizedText(normalizedRuby(key));

const isNamed = (key: RubyValue, name: string): boolean => key instanceof RubySymbol && key.name === name;

/** A legacy message: what is signed, the signature, and what is said of both. */
const normalizedEnvelope = (hash: RubyHash): Normalized =>
  normalizedEntries(
    hash.entries.map(([key, value]): readonly [string, Normalized] => {
      const name = rubyKey(key);
      if (isNamed(key, 'hash')) return [name, SIGNATURE];
      const bytes = isNamed(key, 'body') ? fieldBytes(value) : undefined;
      return [name, bytes === undefined ? normalizedRuby(value) : normalizedBody(bytes, 'payload')];
    }),
  );

const isEnvelope = (value: RubyValue): value is RubyHash =>
  value instanceof RubyHash && value.symbol('hash') !== undefined && value.symbol('body') !== undefined;

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** @param text how a text is to be understood */
const normalizedJson = (value: Value, text: (value: string) => string = (it) => it): Normalized => {
  if (typeof value === 'string') return formatJson(text(value));
  if (isMap(value)) return new Map([...value].map(([key, one]) => [key, normalizedJson(one, text)]));
  if (isList(value)) return value.map((one) => normalizedJson(one, text));
  return formatJson(value);
};

/** A hop is the server that a message came by, who handled it, and the server that it left by. */
const SERVERS: ReadonlySet<number> = new Set([0, 2]);

/** A trail without its servers: a bridge is connected to any one of several. */
const normalizedTrail = (hops: readonly Value[]): Normalized =>
  hops.map((hop) =>
    isList(hop)
      ? hop.map((part, i) => (SERVERS.has(i) ? '(server)' : normalizedJson(part)))
      : normalizedJson(hop),
  );

/** What protocol 1 and 2 call the trail among the headers of a transport message. */
const TRAILS: ReadonlySet<string> = new Set(['seen-by', 'trace']);

/** Ways home are among the headers only. */
const normalizedHeaders = (headers: ValueMap, withoutToken: WithoutToken): Normalized =>
  new Map(
    [...headers].map(([key, value]) => [
      key,
      TRAILS.has(key) && isList(value) ? normalizedTrail(value) : normalizedJson(value, withoutToken),
    ]),
  );

/** Keys of Choria's messages that hold another message, or what is different each time. */
const choriaField = (
  place: Place,
  key: string,
  value: Value,
  withoutToken: WithoutToken,
): Normalized | undefined => {
  if (place === 'message' && key === 'headers' && isMap(value)) return normalizedHeaders(value, withoutToken);
  if (typeof value !== 'string') return undefined;
  if (place === 'message' && key === 'data') {
    const bytes = tryDecodeBase64(value);
    return bytes && normalizedBody(bytes, 'secure');
  }
  if (place === 'secure') {
    if (key === 'signature') return SIGNATURE;
    if (key === 'hash') return CHECKSUM;
    if (key === 'pubcert') return CERTIFICATE;
  }
  if (key !== 'message') return undefined;
  return normalizedBody(Buffer.from(value), place === 'secure' ? 'signed' : 'payload');
};

/** What the protocol of a Choria message has to have in its name at each place. */
const PROTOCOLS: Readonly<Record<Place, RegExp>> = {
  message: /transport/,
  secure: /secure/,
  signed: /request|reply/,
  payload: /^(?!)/,
};

const documentOf = (value: Value, place: Place, withoutToken: WithoutToken): Normalized => {
  const protocol = isMap(value) ? value.get('protocol') : undefined;
  if (!isMap(value) || typeof protocol !== 'string' || !PROTOCOLS[place].test(protocol))
    return normalizedJson(value);
  return new Map(
    [...value].map(([key, one]) => [key, choriaField(place, key, one, withoutToken) ?? normalizedJson(one)]),
  );
};

const rubyDocument = (bytes: Buffer, place: Place): Normalized | undefined => {
  const format = looksLikeMarshal(bytes) ? 'marshal' : looksLikeYaml(bytes) ? 'yaml' : undefined;
  if (format === undefined) return undefined;
  const value = SERIALIZERS[format].decode(bytes);
  return new Map<string, Normalized>([
    ['serializer', format],
    ['message', place === 'message' && isEnvelope(value) ? normalizedEnvelope(value) : normalizedRuby(value)],
  ]);
};

/** A body, or a document inside one. What it cannot be read as, it is as text or bytes. */
export function normalizedBody(
  bytes: Buffer,
  place: Place = 'message',
  withoutToken: WithoutToken = AS_IT_IS,
): Normalized {
  try {
    const document = rubyDocument(bytes, place);
    if (document !== undefined) return document;
    const beginning = bytes.toString('latin1', 0, 1);
    if (beginning === '{' || beginning === '[' || beginning === '"')
      return documentOf(parseJson(bytes.toString()), place, withoutToken);
    const decoded = bytes.length >= 8 ? tryDecodeBase64(bytes.toString('latin1')) : undefined;
    const inside = decoded && rubyDocument(decoded, place);
    if (inside !== undefined) return new Map([['base64', inside]]);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
  }
  // In one dialect a word is a JSON text, in the other it is bare: neither is the other.
  return `bare ${inspect(bytes.toString('latin1'))}`;
}

/** What is compared of a message: where it goes, its headers and what it says. */
export const normalize = (
  message: CassetteMessage,
  body: Buffer,
  { withoutToken }: Pick<ReplyPaths, 'withoutToken'>,
): ReadonlyMap<string, Normalized> => {
  const { destination, reply_to: replyTo, headers = {} } = message;
  return new Map<string, Normalized>([
    ['destination', withoutToken(destination)],
    ...(replyTo === undefined ? [] : [['reply_to', withoutToken(replyTo)] as const]),
    ['headers', new Map(Object.entries(headers))],
    ['body', normalizedBody(body, 'message', withoutToken)],
  ]);
};
