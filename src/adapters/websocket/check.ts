import type { Checklist } from '../../config/checklist.ts';
import type { KeyPath } from '../../config/problem.ts';
import { keySetFault } from '../../transport/proof/served-keys.ts';
import { checkAuthorities, checkTlsClient } from '../kit/check/certificate-files.ts';
import { readText } from '../kit/check/key-files.ts';
import { checkRevocationLists } from '../kit/check/revocation-lists.ts';
import type { SideCheck } from '../kit/check/side-check.ts';
import type { WebSocketIngressConfig } from './config.ts';

const checkKeySet = (list: Checklist, path: KeyPath, file: string): void => {
  const text = readText(list, path, file);
  if (text === undefined) return;
  const fault = keySetFault(text);
  if (fault === undefined) list.ok(path, `${file} holds the keys of tokens`);
  else list.unusable(path, `${file}: ${fault}`, 'it takes what the issuer serves at its jwks_uri');
};

/** What `mcbridge check` asks; there is no broker to connect to. */
export const webSocketCheck = (it: WebSocketIngressConfig, name: string): SideCheck => {
  const path: KeyPath = ['ingresses', name];
  const { tls, clients, tokens } = it;
  return {
    files: (list, now) => {
      if (it.insecurePlaintext)
        list.warning(
          [...path, 'insecure_plaintext'],
          'tokens and all that is asked and answered can be read on the way',
          'give tls, or have a proxy on this machine speak it and listen on 127.0.0.1',
        );
      if (tls !== undefined) checkTlsClient(list, [...path, 'tls'], { client: tls }, undefined, now);
      if (clients !== undefined) {
        checkAuthorities(list, [...path, 'clients', 'ca'], clients.ca, now, true);
        if (clients.revocation !== undefined)
          checkRevocationLists(list, [...path, 'clients', 'crl'], clients.revocation, clients.ca, now);
      }
      if (tokens?.jwksFile !== undefined)
        checkKeySet(list, [...path, 'tokens', 'jwks_file'], tokens.jwksFile);
    },
    patterns: [],
    lackFor: (caller) => {
      const isCert = caller.startsWith('cert=');
      if (isCert ? clients !== undefined : tokens !== undefined) return undefined;
      return {
        message: `${name} takes no ${isCert ? 'certificates' : 'tokens'}, so ${caller} cannot come in there`,
        mend: `give ${isCert ? 'clients' : 'tokens'}`,
      };
    },
  };
};
