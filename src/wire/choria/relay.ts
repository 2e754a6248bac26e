import type { Hop } from '../../envelope/message.ts';
import { Rejection } from '../../envelope/rejection.ts';
import type { SealedContent } from '../../envelope/sealed.ts';
import { quoted } from '../../envelope/text.ts';
import { decodeBase64 } from '../base64.ts';
import {
  foldedName,
  isObject,
  type JsonObject,
  optionalList,
  optionalString,
  parseObject,
  stringField,
  strings,
  utf8,
} from './fields.ts';
import { relayParts, TRANSPORT_V1, TRANSPORT_V2 } from './relay-parts.ts';
import type { TransportLimits } from './transport.ts';

/** What protocol 1 and 2 call the headers that a broker reads and rewrites; see go-choria's protocol/v1 and v2. */
interface HeaderNames {
  /** All of the message's own headers. */
  readonly known: ReadonlySet<string>;
  readonly replyTo: string;
  readonly sender: string;
  readonly hops: string;
  readonly request: string;
  readonly home: string;
  readonly targets: string;
}

const V1: HeaderNames = {
  known: new Set(['reply-to', 'mc_sender', 'seen-by', 'federation']),
  replyTo: 'reply-to',
  sender: 'mc_sender',
  hops: 'seen-by',
  request: 'req',
  home: 'reply-to',
  targets: 'target',
};
const V2: HeaderNames = {
  known: new Set(['reply', 'sender', 'trace', 'federation']),
  replyTo: 'reply',
  sender: 'sender',
  hops: 'trace',
  request: 'request',
  home: 'reply',
  targets: 'targets',
};

const PROTOCOLS: ReadonlyMap<string, HeaderNames> = new Map([
  [TRANSPORT_V1, V1],
  [TRANSPORT_V2, V2],
]);

const WHAT = 'the transport message';

/** A transport message of protocol 1 or 2 of which only the headers were read. */
export interface RelayTransport {
  readonly content: SealedContent;
  readonly replyTo?: string;
  readonly sender?: string;
  readonly hops?: readonly Hop[];
  readonly federation?: Federation;
}

interface Federation {
  readonly request?: string;
  /** Where the reply goes on the other side, once a broker has put itself into the reply header. */
  readonly home?: string;
  readonly targets?: readonly string[];
}

/** While it is being put together; cheaper than as many spreads, and every message is. */
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const namesOf = (protocol: string): HeaderNames => {
  const names = PROTOCOLS.get(protocol);
  if (names === undefined)
    throw new Rejection(
      'wrong_protocol',
      `${WHAT} speaks ${quoted(protocol.slice(0, 64))}, which is no transport of Choria`,
    );
  return names;
};

const hopsOf = (list: readonly unknown[]): readonly Hop[] =>
  list.map((hop) => {
    if (!Array.isArray(hop))
      throw new Rejection('invalid_field', `the trail of ${WHAT} is not a list of hops`);
    return strings(hop, 'trail', WHAT);
  });

/**
 * Reads the headers and leaves the data as it is, in its base64 and with its line feeds.
 * @throws Rejection `too_large`, `malformed_json`, `limit_exceeded`, `wrong_protocol`, `missing_field`, `invalid_field`
 */
export const decodeRelay = (payload: Uint8Array, limits: TransportLimits): RelayTransport => {
  if (payload.byteLength > limits.maxBytes)
    throw new Rejection(
      'too_large',
      `the message has ${payload.byteLength} bytes, more than the ${limits.maxBytes} allowed`,
    );
  const { protocol, data, headers } = relayParts(utf8(payload, WHAT), WHAT);
  const names = namesOf(protocol);
  const replyTo = optionalString(headers, names.replyTo, WHAT);
  const sender = optionalString(headers, names.sender, WHAT);
  const hops = optionalList(headers, names.hops, WHAT);
  const federation = headers['federation'];
  const relay: Writable<RelayTransport> = {
    content: { protocol, data, headers: othersIn(headers, names) },
  };
  if (replyTo !== undefined) relay.replyTo = replyTo;
  if (sender !== undefined) relay.sender = sender;
  if (hops !== undefined) relay.hops = hopsOf(hops);
  if (federation !== undefined) relay.federation = federationOf(federation, names);
  return relay;
};

const NONE: JsonObject = Object.freeze({});

/** Levels of a header that the bridge does not know; those of Choria have two. */
const MAX_DEPTH = 32;

/** Looked at without recursion, and before anything that recurses does: `JSON.parse` takes any depth, to write it does not. */
const checkDepth = (others: readonly (readonly [name: string, value: unknown])[]): void => {
  let level: readonly unknown[] = others.map(([, value]) => value);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH)
      throw new Rejection('limit_exceeded', `a header of ${WHAT} has more than ${MAX_DEPTH} levels`);
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
};

/** Without those that Go's nodes would read in place of the bridge's own: to them `Reply-To` is the `reply-to`. */
const othersIn = (headers: JsonObject, { known }: HeaderNames): JsonObject => {
  const others = Object.keys(headers).filter((name) => !known.has(name) && !known.has(foldedName(name)));
  if (others.length === 0) return NONE;
  const entries = others.map((name) => [name, headers[name]] as const);
  checkDepth(entries);
  return Object.fromEntries(entries);
};

const federationOf = (header: unknown, names: HeaderNames): Federation => {
  if (!isObject(header))
    throw new Rejection('invalid_field', `the federation header of ${WHAT} is not an object`);
  const what = 'the federation header';
  const request = optionalString(header, names.request, what);
  const home = optionalString(header, names.home, what);
  const targets = optionalList(header, names.targets, what);
  const federation: Writable<Federation> = {};
  if (request !== undefined) federation.request = request;
  if (home !== undefined) federation.home = home;
  if (targets !== undefined) federation.targets = strings(targets, 'target list', what);
  return federation;
};

/** What the data says. @throws Rejection `malformed_json` or `malformed_base64` where it says nothing */
export const relayData = ({ data }: SealedContent): Buffer =>
  decodeBase64(stringField(parseObject(`{"data":${data}}`, WHAT), 'data', WHAT), `the data of ${WHAT}`);

/** `"name":value,` or nothing. */
const member = (name: string, value: unknown): string =>
  value === undefined ? '' : `"${name}":${JSON.stringify(value)},`;

/** The message with new headers around the same data. */
export const encodeRelay = ({ content, replyTo, sender, hops, federation }: RelayTransport): string => {
  const { protocol, data } = content;
  const names = namesOf(protocol);
  // By hand, for this is most of what is left to do for a message that passes.
  let headers = '';
  if (federation !== undefined) {
    const { request, home, targets } = federation;
    const members =
      member(names.request, request) + member(names.home, home) + member(names.targets, targets);
    headers += `"federation":{${members.slice(0, -1)}},`;
  }
  headers += member(names.sender, sender) + member(names.hops, hops) + member(names.replyTo, replyTo);
  const others = JSON.stringify(content.headers).slice(1, -1);
  headers = others === '' ? headers.slice(0, -1) : headers + others;
  return `{"protocol":"${protocol}","data":${data},"headers":{${headers}}}`;
};
