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
import type { Ways } from './ways.ts';

/**
 * What a message says, with the types that its format has but without what differs by nature: signatures, checksums,
 * reply tokens, the order of keys and the line breaks of base64. A leaf is written as a programmer would.
 */
export type Meaning = string | readonly Meaning[] | ReadonlyMap<string, Meaning>;

export const isTree = (meaning: Meaning): meaning is ReadonlyMap<string, Meaning> => meaning instanceof Map;

/** As a person reads it. */
export const shown = (meaning: Meaning): string => {
  if (typeof meaning === 'string') return meaning;
  if (isTree(meaning)) return `{${[...meaning].map(([key, value]) => `${key}: ${shown(value)}`).join(', ')}}`;
  return `[${meaning.map(shown).join(', ')}]`;
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
const entriesMeaning = (entries: readonly (readonly [string, Meaning])[]): Meaning => {
  const map = new Map(entries);
  return map.size === entries.length ? map : entries.map(([key, value]) => new Map([[key, value]]));
};

const rubyText = (value: RubyString): string =>
  `${JSON.stringify(textOf(value) ?? value.bytes.toString('latin1'))} (${value.encoding})`;

const rubyMeaning = (value: RubyValue): Meaning => {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof RubyString) return rubyText(value);
  if (value instanceof RubyHash)
    return entriesMeaning(value.entries.map(([key, one]) => [rubyKey(key), rubyMeaning(one)] as const));
  if (value instanceof RubySet) return new Map([['Set', value.members.map(rubyMeaning)]]);
  if (value instanceof RubyStruct)
    return new Map([
      [
        `struct ${value.className}`,
        entriesMeaning(value.members.map(([name, member]) => [name, rubyMeaning(member)] as const)),
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

const rubyKey = (key: RubyValue): string => shown(rubyMeaning(key));

const isNamed = (key: RubyValue, name: string): boolean => key instanceof RubySymbol && key.name === name;

/** A legacy message: what is signed, the signature, and what is said of both. */
const envelopeMeaning = (hash: RubyHash): Meaning =>
  entriesMeaning(
    hash.entries.map(([key, value]): readonly [string, Meaning] => {
      const name = rubyKey(key);
      if (isNamed(key, 'hash')) return [name, SIGNATURE];
      const bytes = isNamed(key, 'body') ? fieldBytes(value) : undefined;
      return [name, bytes === undefined ? rubyMeaning(value) : bodyMeaning(bytes, 'payload')];
    }),
  );

const isEnvelope = (value: RubyValue): value is RubyHash =>
  value instanceof RubyHash && value.symbol('hash') !== undefined && value.symbol('body') !== undefined;

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** @param text how a text is to be understood */
const jsonMeaning = (value: Value, text: (value: string) => string = (it) => it): Meaning => {
  if (typeof value === 'string') return formatJson(text(value));
  if (isMap(value)) return new Map([...value].map(([key, one]) => [key, jsonMeaning(one, text)]));
  if (isList(value)) return value.map((one) => jsonMeaning(one, text));
  return formatJson(value);
};

/** A hop is the server that a message came by, who handled it, and the server that it left by. */
const SERVERS: ReadonlySet<number> = new Set([0, 2]);

/** A trail without its servers: a bridge is connected to any one of several. */
const trailMeaning = (hops: readonly Value[]): Meaning =>
  hops.map((hop) =>
    isList(hop) ? hop.map((part, i) => (SERVERS.has(i) ? '(server)' : jsonMeaning(part))) : jsonMeaning(hop),
  );

/** What protocol 1 and 2 call the trail among the headers of a transport message. */
const TRAILS: ReadonlySet<string> = new Set(['seen-by', 'trace']);

/** Ways home are among the headers only. */
const headersMeaning = (headers: ValueMap, withoutToken: WithoutToken): Meaning =>
  new Map(
    [...headers].map(([key, value]) => [
      key,
      TRAILS.has(key) && isList(value) ? trailMeaning(value) : jsonMeaning(value, withoutToken),
    ]),
  );

/** Keys of Choria's messages that hold another message, or what is different each time. */
const choriaField = (
  place: Place,
  key: string,
  value: Value,
  withoutToken: WithoutToken,
): Meaning | undefined => {
  if (place === 'message' && key === 'headers' && isMap(value)) return headersMeaning(value, withoutToken);
  if (typeof value !== 'string') return undefined;
  if (place === 'message' && key === 'data') {
    const bytes = tryDecodeBase64(value);
    return bytes && bodyMeaning(bytes, 'secure');
  }
  if (place === 'secure') {
    if (key === 'signature') return SIGNATURE;
    if (key === 'hash') return CHECKSUM;
    if (key === 'pubcert') return CERTIFICATE;
  }
  if (key !== 'message') return undefined;
  return bodyMeaning(Buffer.from(value), place === 'secure' ? 'signed' : 'payload');
};

/** What the protocol of a Choria message has to have in its name at each place. */
const PROTOCOLS: Readonly<Record<Place, RegExp>> = {
  message: /transport/,
  secure: /secure/,
  signed: /request|reply/,
  payload: /^(?!)/,
};

const documentOf = (value: Value, place: Place, withoutToken: WithoutToken): Meaning => {
  const protocol = isMap(value) ? value.get('protocol') : undefined;
  if (!isMap(value) || typeof protocol !== 'string' || !PROTOCOLS[place].test(protocol))
    return jsonMeaning(value);
  return new Map(
    [...value].map(([key, one]) => [key, choriaField(place, key, one, withoutToken) ?? jsonMeaning(one)]),
  );
};

const rubyDocument = (bytes: Buffer, place: Place): Meaning | undefined => {
  const format = looksLikeMarshal(bytes) ? 'marshal' : looksLikeYaml(bytes) ? 'yaml' : undefined;
  if (format === undefined) return undefined;
  const value = SERIALIZERS[format].decode(bytes);
  return new Map<string, Meaning>([
    ['serializer', format],
    ['message', place === 'message' && isEnvelope(value) ? envelopeMeaning(value) : rubyMeaning(value)],
  ]);
};

/** A body, or a document inside one. What it cannot be read as, it is as text or bytes. */
export function bodyMeaning(
  bytes: Buffer,
  place: Place = 'message',
  withoutToken: WithoutToken = AS_IT_IS,
): Meaning {
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
export const meaningOf = (
  message: CassetteMessage,
  body: Buffer,
  { withoutToken }: Pick<Ways, 'withoutToken'>,
): ReadonlyMap<string, Meaning> => {
  const { destination, reply_to: replyTo, headers = {} } = message;
  return new Map<string, Meaning>([
    ['destination', withoutToken(destination)],
    ...(replyTo === undefined ? [] : [['reply_to', withoutToken(replyTo)] as const]),
    ['headers', new Map(Object.entries(headers))],
    ['body', bodyMeaning(body, 'message', withoutToken)],
  ]);
};
