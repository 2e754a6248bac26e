import { constants } from 'node:crypto';
import type { TlsOptions } from 'node:tls';
import type { ServerTls } from './settings.ts';

/** What is used for new connections alone, and can be another one while a listener stands. */
export const serverContext = ({ cert, key, clientCa }: ServerTls) => ({
  cert,
  key,
  ...(clientCa !== undefined && { ca: clientCa }),
  // A session that is taken up anew brings the client's certificate without those that vouch for it, and an answer of
  // another time to whether it is good. Without tickets none is.
  secureOptions: constants.SSL_OP_NO_TICKET,
});

/** What Node needs for a listener. A certificate that is not good is told in words, so it is asked for and not insisted on. */
export const serverTls = (tls: ServerTls): TlsOptions => ({
  ...serverContext(tls),
  ...(tls.clientCa !== undefined && { requestCert: true, rejectUnauthorized: false }),
});
