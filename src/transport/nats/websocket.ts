import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { createWebSocketStream, WebSocket } from 'ws';
import { LinkFailure } from '../failure/failure.ts';
import { NATS_WORDS } from './errors.ts';

/** Bytes of one message of a server's, which is a piece of its stream: it joins what it has, up to its `max_pending`. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** The client uses of a socket what every stream has that is read and written: events, write, end, destroy, encrypted. */
function mustServe(_stream: Duplex & { readonly encrypted: true }): asserts _stream is TLSSocket {}

/**
 * Makes a WebSocket of a connection with TLS, and a stream of bytes of that. Not the client's `wsconnect`: all connections of
 * a process would share it (docs/decisions/0004-nats.md).
 * @throws LinkFailure where the other side is no WebSocket server, and what the connection fails with
 */
export const overWebSocket = async (secure: TLSSocket, url: string): Promise<TLSSocket> => {
  const socket = new WebSocket(url, {
    createConnection: () => secure,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
  });
  // At once: the first message may come together with the answer to the upgrade, and what is not a frame as well.
  const stream = Object.assign(createWebSocketStream(socket), { encrypted: true as const });
  stream.on('error', () => undefined);
  // It would wait for the other side to close.
  socket.on('error', () => secure.destroy());
  socket.on('close', () => stream.destroy());
  let refusal: LinkFailure | undefined;
  socket.on('unexpected-response', (request, response) => {
    const detail = `an HTTP server that has no WebSocket there (${response.statusCode ?? 'no status'})`;
    refusal = new LinkFailure(NATS_WORDS, url, 'another-protocol', detail);
    request.destroy();
    socket.terminate();
  });
  try {
    await once(socket, 'open');
  } catch (error) {
    throw refusal ?? error;
  }
  mustServe(stream);
  return stream;
};
