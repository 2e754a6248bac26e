import {
  decodeTransport,
  encodeTransport,
  type Transport,
  type TransportData,
  type TransportHeaders,
  transportContent,
  transportData,
} from '../../src/adapters/choria/wire/index.ts';
import type { Base64Style } from '../../src/codec/base64.ts';

/** A transport message with what is in its data. */
export const openTransport = (payload: Uint8Array | string): Transport & TransportData => {
  const bytes = Buffer.from(payload);
  const transport = decodeTransport(bytes, { maxBytes: bytes.length });
  return { ...transport, ...transportData(transport.content) };
};

/** A transport message of protocol 1 around a secure message. */
export const transportOf = (
  secure: Uint8Array | string,
  headers: TransportHeaders,
  style: Base64Style = 'plain',
): string => encodeTransport({ ...headers, content: transportContent(secure, style) });
