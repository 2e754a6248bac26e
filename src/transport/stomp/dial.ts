import { connect, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import { secureContext } from '../tls/settings.ts';
import { type StompServer, serverUrl } from './options.ts';
import { STOMP_WORDS } from './words.ts';

/**
 * Opens a socket; `onReady` is called once bytes can be written. Errors come as the socket's `error` events.
 * @throws LinkFailure for certificates or keys that cannot be used
 */
export const dial = (server: StompServer, onReady: () => void): Socket => {
  const { host, port, tls } = server;
  if (tls === undefined) return connect({ host, port }, onReady);
  const name = tls.serverName ?? host;
  return connectTls(
    {
      host,
      port,
      rejectUnauthorized: tls.verify,
      // SNI takes names only; the certificate is checked against the name in either case.
      ...(isIP(name) === 0 ? { servername: name } : {}),
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
      secureContext: secureContext(tls, STOMP_WORDS, serverUrl(server)),
    },
    onReady,
  );
};
