import { connect, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import { LinkError } from '../link.ts';
import { type StompServer, serverUrl } from './options.ts';

/**
 * Opens a socket; `onReady` is called once bytes can be written. Errors come as the socket's `error` events.
 * @throws LinkError `tls` for certificates or keys that cannot be used
 */
export const dial = (server: StompServer, onReady: () => void): Socket => {
  const { host, port, tls } = server;
  if (tls === undefined) return connect({ host, port }, onReady);
  const name = tls.serverName ?? host;
  try {
    return connectTls(
      {
        host,
        port,
        rejectUnauthorized: tls.verify,
        // SNI takes names only; the certificate is checked against the name in either case.
        ...(isIP(name) === 0 ? { servername: name } : {}),
        checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
        ...(tls.ca === undefined ? {} : { ca: tls.ca }),
        ...(tls.cert === undefined ? {} : { cert: tls.cert }),
        ...(tls.key === undefined ? {} : { key: tls.key }),
      },
      onReady,
    );
  } catch (error) {
    throw new LinkError('tls', `${serverUrl(server)}: the TLS settings cannot be used: ${text(error)}`, {
      cause: error,
    });
  }
};

/** A socket's error in terms of links. */
export const socketError = (server: StompServer, error: Error, securing: boolean): LinkError => {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // With TLS 1.3 the broker's refusal of our certificate comes after the handshake, from our point of view.
  const isTls = securing || (server.tls !== undefined && TLS_ERROR.test(code));
  return new LinkError(isTls ? 'tls' : 'unreachable', `${serverUrl(server)}: ${text(error)}`, {
    cause: error,
  });
};

const TLS_ERROR = /^(ERR_SSL|ERR_TLS|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|EPROTO)/;

/** An AggregateError (a host with several addresses) has no message of its own. */
const text = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(text).join('; ');
  return error instanceof Error ? error.message : String(error);
};
