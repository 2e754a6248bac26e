import type { Hop } from '../../envelope/message.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { type Base64Style, decodeBase64, encodeBase64Json } from '../base64.ts';
import {
  type JsonObject,
  objectField,
  optionalList,
  optionalString,
  parseObject,
  requireProtocol,
  stringField,
  strings,
  utf8,
} from './fields.ts';
import { formatString } from './json.ts';

const PROTOCOL = 'choria:transport:1';
const WHAT = 'the transport message';

/** The header that makes a message federated. Servers copy it from a request into its replies. */
export interface FederationHeader {
  /** The federation's id of the request; clients write the request id. */
  readonly request?: string;
  /** Where the reply goes on the other side, once a broker has put itself into `reply-to`. */
  readonly replyTo?: string;
  /** The subjects that a broker is to publish to. */
  readonly targets?: readonly string[];
}

export interface TransportHeaders {
  readonly replyTo?: string;
  /** `mc_sender`: the identity of the sender; Go's discovery reads the node's name here and nowhere else. */
  readonly sender?: string;
  /** The trail; an empty one asks everybody to record, none at all that nobody should. */
  readonly seenBy?: readonly Hop[];
  readonly federation?: FederationHeader;
}

/** The outermost layer, which brokers read and rewrite. Nothing of it is signed. */
export interface Transport {
  /** The secure message. */
  readonly data: Buffer;
  /** Whether the data came with line feeds in its base64, a sign of Ruby. */
  readonly wrapped: boolean;
  readonly headers: TransportHeaders;
}

export interface TransportLimits {
  readonly maxBytes: number;
}

const decodeHops = (list: readonly unknown[]): readonly Hop[] =>
  list.map((hop) => {
    if (!Array.isArray(hop))
      throw new Rejection(
        'invalid_field',
        'the seen-by header is not a list of hops, each a list of strings',
      );
    return strings(hop, 'seen-by header', WHAT);
  });

const decodeFederation = (header: JsonObject): FederationHeader => {
  const what = 'the federation header';
  const request = optionalString(header, 'req', what);
  const replyTo = optionalString(header, 'reply-to', what);
  // Go's code and every client say `target`, only the published schema says `targets`.
  const targets = optionalList(header, 'target', what);
  return {
    ...(request !== undefined && { request }),
    ...(replyTo !== undefined && { replyTo }),
    ...(targets !== undefined && { targets: strings(targets, 'target list', what) }),
  };
};

const decodeHeaders = (headers: JsonObject): TransportHeaders => {
  const replyTo = optionalString(headers, 'reply-to', WHAT);
  const sender = optionalString(headers, 'mc_sender', WHAT);
  const seenBy = optionalList(headers, 'seen-by', WHAT);
  return {
    ...(replyTo !== undefined && { replyTo }),
    ...(sender !== undefined && { sender }),
    ...(seenBy !== undefined && { seenBy: decodeHops(seenBy) }),
    ...(headers['federation'] !== undefined && {
      federation: decodeFederation(objectField(headers, 'federation', WHAT)),
    }),
  };
};

/**
 * @param payload a NATS message's payload
 * @throws Rejection `too_large`, `malformed_json`, `malformed_base64`, `wrong_protocol`, `missing_field`, `invalid_field`
 */
export const decodeTransport = (payload: Uint8Array | string, limits: TransportLimits): Transport => {
  const bytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.byteLength;
  if (bytes > limits.maxBytes)
    throw new Rejection(
      'too_large',
      `the message has ${bytes} bytes, more than the ${limits.maxBytes} allowed`,
    );
  const object = parseObject(typeof payload === 'string' ? payload : utf8(payload, WHAT), WHAT);
  requireProtocol(object, PROTOCOL, WHAT);
  const headers = decodeHeaders(objectField(object, 'headers', WHAT));
  const data = stringField(object, 'data', WHAT);
  return { data: decodeBase64(data, `the data of ${WHAT}`), wrapped: data.includes('\n'), headers };
};

const encodeHeaders = (headers: TransportHeaders): string => {
  const { replyTo, sender, seenBy, federation } = headers;
  // Most replies have just this one, and they are many.
  if (sender !== undefined && replyTo === undefined && seenBy === undefined && federation === undefined)
    return `{"mc_sender":${formatString(sender)}}`;
  return JSON.stringify({
    'reply-to': replyTo,
    mc_sender: sender,
    'seen-by': seenBy,
    federation: federation && {
      req: federation.request,
      'reply-to': federation.replyTo,
      target: federation.targets,
    },
  });
};

/** @param data the secure message */
export const encodeTransport = (
  data: Uint8Array | string,
  headers: TransportHeaders,
  style: Base64Style,
): string => {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  return `{"protocol":"${PROTOCOL}","data":${encodeBase64Json(bytes, style)},"headers":${encodeHeaders(headers)}}`;
};
