import { constants } from 'node:crypto';
import type { TlsOptions } from 'node:tls';
import { errorText } from '../../envelope/text.ts';
import type { ProtocolWords } from '../failure/words.ts';
import { secureContext } from '../tls/settings.ts';
import { keySetFault } from './served-keys.ts';
import type { ProofSettings, ServerTls } from './settings.ts';

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

/** Why a listener cannot prove who its clients are by what its files hold, in words; undefined where it can. */
export const proofFault = (
  { tls, tokens }: Pick<ProofSettings, 'tls' | 'tokens'>,
  words: ProtocolWords,
  name: string,
): string | undefined => {
  const fault = tokens?.keys.kind === 'text' ? keySetFault(tokens.keys.json) : undefined;
  if (fault !== undefined || tls === undefined) return fault;
  try {
    const { cert, key, clientCa } = tls;
    secureContext({ cert, key, ...(clientCa !== undefined && { ca: clientCa }), verify: true }, words, name);
    return undefined;
  } catch (error) {
    return errorText(error);
  }
};
