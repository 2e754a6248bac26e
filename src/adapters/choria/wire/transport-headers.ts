import type { Hop } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { foldedName, type JsonObject, objectField, optionalList, optionalString, strings } from './fields.ts';

/** What a broker reads and rewrites. Nothing of it is signed. */
export interface TransportHeaders {
  readonly replyTo?: string;
  /** The identity of the sender; Go's discovery reads the node's name here and nowhere else. */
  readonly sender?: string;
  /** The trail; an empty one asks all to record, without one none records. */
  readonly hops?: readonly Hop[];
  readonly federation?: FederationHeader;
}

/** The header that makes a message federated. Servers copy it from a request into its replies. */
export interface FederationHeader {
  /** The federation's id of the request; clients write the request id. */
  readonly request?: string;
  /** Where the reply goes on the other side, once a broker has put itself into the reply header. */
  readonly home?: string;
  /** The subjects that a broker is to publish to. */
  readonly targets?: readonly string[];
}

/** What protocol 1 and 2 call the headers; see go-choria's protocol/v1 and v2. */
export interface HeaderNames {
  /** All of the message's own headers. */
  readonly known: ReadonlySet<string>;
  readonly replyTo: string;
  readonly sender: string;
  readonly hops: string;
  readonly request: string;
  readonly home: string;
  readonly targets: string;
}

export const HEADERS_V1: HeaderNames = {
  known: new Set(['reply-to', 'mc_sender', 'seen-by', 'federation']),
  replyTo: 'reply-to',
  sender: 'mc_sender',
  hops: 'seen-by',
  request: 'req',
  home: 'reply-to',
  // Go's code and every client say `target`, only the published schema says `targets`.
  targets: 'target',
};
export const HEADERS_V2: HeaderNames = {
  known: new Set(['reply', 'sender', 'trace', 'federation']),
  replyTo: 'reply',
  sender: 'sender',
  hops: 'trace',
  request: 'request',
  home: 'reply',
  targets: 'targets',
};

const WHAT = 'the transport message';

/** While it is being put together; cheaper than as many spreads, and every message is. */
export type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const hopsOf = (list: readonly unknown[], name: string): readonly Hop[] =>
  list.map((hop) => {
    if (!Array.isArray(hop))
      throw new Rejection(
        'invalid_field',
        `the ${name} header is not a list of hops, each a list of strings`,
      );
    return strings(hop, `${name} header`, WHAT);
  });

const federationOf = (header: JsonObject, names: HeaderNames): FederationHeader => {
  const what = 'the federation header';
  const request = optionalString(header, names.request, what);
  const home = optionalString(header, names.home, what);
  const targets = optionalList(header, names.targets, what);
  const federation: Writable<FederationHeader> = {};
  if (request !== undefined) federation.request = request;
  if (home !== undefined) federation.home = home;
  if (targets !== undefined) federation.targets = strings(targets, 'target list', what);
  return federation;
};

/** Adds to a message what its headers say. @throws Rejection `invalid_field` */
export const readHeaders = (
  headers: JsonObject,
  names: HeaderNames,
  to: Writable<TransportHeaders>,
): void => {
  const replyTo = optionalString(headers, names.replyTo, WHAT);
  const sender = optionalString(headers, names.sender, WHAT);
  const hops = optionalList(headers, names.hops, WHAT);
  if (replyTo !== undefined) to.replyTo = replyTo;
  if (sender !== undefined) to.sender = sender;
  if (hops !== undefined) to.hops = hopsOf(hops, names.hops);
  if (headers['federation'] !== undefined)
    to.federation = federationOf(objectField(headers, 'federation', WHAT), names);
};

/** Levels of a header that the bridge does not know; those of Choria have two. */
const MAX_HEADER_LEVELS = 32;

/** Looked at without recursion, and before anything that recurses does: `JSON.parse` takes any depth, to write it does not. */
const checkDepth = (others: readonly (readonly [name: string, value: unknown])[]): void => {
  let level: readonly unknown[] = others.map(([, value]) => value);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_HEADER_LEVELS)
      throw new Rejection('limit_exceeded', `a header of ${WHAT} has more than ${MAX_HEADER_LEVELS} levels`);
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
};

export const NO_HEADERS: JsonObject = Object.freeze({});

/**
 * The headers that the bridge does not know, without those that Go's nodes would read in place of its own: to them
 * `Reply-To` is the `reply-to`.
 * @throws Rejection `limit_exceeded`
 */
export const otherHeaders = (headers: JsonObject, { known }: HeaderNames): JsonObject => {
  const others = Object.keys(headers).filter((name) => !known.has(name) && !known.has(foldedName(name)));
  if (others.length === 0) return NO_HEADERS;
  const entries = others.map((name) => [name, headers[name]] as const);
  checkDepth(entries);
  return Object.fromEntries(entries);
};

/** `"name":value,` or nothing. */
const member = (name: string, value: unknown): string =>
  value === undefined ? '' : `"${name}":${JSON.stringify(value)},`;

/** As JSON text. By hand, for this is most of what is left to do for a message that passes. */
export const writeHeaders = (
  { replyTo, sender, hops, federation }: TransportHeaders,
  others: JsonObject,
  names: HeaderNames,
): string => {
  const isBare = others === NO_HEADERS && replyTo === undefined && hops === undefined;
  // Most replies have just this one, and they are many.
  if (isBare && federation === undefined && sender !== undefined)
    return `{"${names.sender}":${JSON.stringify(sender)}}`;
  let headers = '';
  if (federation !== undefined) {
    const { request, home, targets } = federation;
    const members =
      member(names.request, request) + member(names.home, home) + member(names.targets, targets);
    headers += `"federation":{${members.slice(0, -1)}},`;
  }
  headers += member(names.sender, sender) + member(names.hops, hops) + member(names.replyTo, replyTo);
  const rest = others === NO_HEADERS ? '' : JSON.stringify(others).slice(1, -1);
  return `{${rest === '' ? headers.slice(0, -1) : headers + rest}}`;
};
