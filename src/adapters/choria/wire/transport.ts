import { type Base64Style, decodeBase64, encodeBase64Json } from '../../../codec/base64.ts';
import type { OpaqueContent } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { parseObject, requireProtocol, stringField, utf8 } from './fields.ts';
import {
  NO_HEADERS,
  otherHeaders,
  readHeaders,
  type TransportHeaders,
  type Writable,
  writeHeaders,
} from './transport-headers.ts';
import { headerNames, TRANSPORT_V1, transportParts } from './transport-parts.ts';

export type { FederationHeader, TransportHeaders } from './transport-headers.ts';
export { TRANSPORT_V1, TRANSPORT_V2 } from './transport-parts.ts';

const WHAT = 'the transport message';

/** The outermost layer, of protocol 1 or 2, of which only the headers were read. */
export interface Transport extends TransportHeaders {
  /** The data as they came, in their base64 and with their line feeds, and the headers that the bridge does not know. */
  readonly content: OpaqueContent;
}

export interface TransportLimits {
  readonly maxBytes: number;
}

/**
 * The one reader of transport messages, for those that pass unchanged and for those that are opened.
 * @param payload a NATS message's payload
 * @throws Rejection `too_large`, `malformed_json`, `limit_exceeded`, `wrong_protocol`, `missing_field`, `invalid_field`
 */
export const decodeTransport = (payload: Uint8Array, { maxBytes }: TransportLimits): Transport => {
  if (payload.byteLength > maxBytes)
    throw new Rejection(
      'too_large',
      `the message has ${payload.byteLength} bytes, more than the ${maxBytes} allowed`,
    );
  const { protocol, data, headers } = transportParts(utf8(payload, WHAT));
  const names = headerNames(protocol);
  const transport: Writable<Transport> = {
    content: { protocol, data, headers: otherHeaders(headers, names) },
  };
  readHeaders(headers, names, transport);
  return transport;
};

/** For who opens messages, which only those of protocol 1 are. @throws Rejection `wrong_protocol` */
export const requireProtocol1 = ({ protocol }: OpaqueContent): void =>
  requireProtocol({ protocol }, TRANSPORT_V1, WHAT);

/** What the data of a transport message says: the secure message. */
export interface TransportData {
  readonly data: Buffer;
  /** Whether it came with line feeds in its base64, a sign of Ruby. */
  readonly wrapped: boolean;
}

/** @throws Rejection `malformed_base64`, or `malformed_json` where it is not even a text */
export const transportData = ({ data }: OpaqueContent): TransportData => {
  const what = `the data of ${WHAT}`;
  // To unescape it otherwise takes twice as long: line feeds are all that both clients escape.
  const compact = data.slice(1, -1).replaceAll('\\n', '');
  if (!compact.includes('\\'))
    return { data: decodeBase64(compact, what), wrapped: compact.length < data.length - 2 };
  const text = stringField(parseObject(`{"data":${data}}`, WHAT), 'data', WHAT);
  return { data: decodeBase64(text, what), wrapped: text.includes('\n') };
};

/** A secure message of protocol 1 as the content of a transport message. */
export const transportContent = (secure: Uint8Array | string, style: Base64Style): OpaqueContent => ({
  protocol: TRANSPORT_V1,
  data: encodeBase64Json(typeof secure === 'string' ? Buffer.from(secure) : secure, style),
  headers: NO_HEADERS,
});

/** The one writer of transport messages: headers around the content as it is. */
export const encodeTransport = (transport: Transport): string => {
  const { protocol, data, headers } = transport.content;
  const written = writeHeaders(transport, headers, headerNames(protocol));
  return `{"protocol":"${protocol}","data":${data},"headers":${written}}`;
};
