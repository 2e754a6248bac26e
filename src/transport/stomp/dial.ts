import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { identityCheck } from '../tls/peer.ts';
import { secureContext } from '../tls/settings.ts';
import { type StompServer, serverUrl } from './options.ts';
import { STOMP_WORDS } from './words.ts';

export interface Dialled {
  /** What frames are written to and read from; its errors come as `error` events. */
  readonly socket: Socket;
  /** Bytes that came over the network, those of a TLS handshake too. */
  readonly received: () => number;
}

/**
 * Opens a socket; `onReady` is called once bytes can be written.
 * @throws LinkFailure for certificates or keys that cannot be used
 */
export const dial = (server: StompServer, onReady: () => void): Dialled => {
  const { host, port, tls } = server;
  if (tls === undefined) {
    const socket = connect({ host, port }, onReady);
    return { socket, received: () => socket.bytesRead };
  }
  const context = secureContext(tls, STOMP_WORDS, serverUrl(server));
  const check = identityCheck(tls, STOMP_WORDS, serverUrl(server));
  const plain = connect({ host, port });
  const name = tls.serverName ?? host;
  const secure = connectTls(
    {
      socket: plain,
      host,
      rejectUnauthorized: tls.verify,
      // SNI takes names only; the certificate is checked against the name in either case.
      ...(isIP(name) === 0 ? { servername: name } : {}),
      checkServerIdentity: (_, certificate) => check(name, certificate),
      secureContext: context,
    },
    onReady,
  );
  return { socket: secure, received: () => plain.bytesRead };
};
