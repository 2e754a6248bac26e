import { isProvenName } from '../../src/envelope/check.ts';
import type { PageLogin } from '../../src/page/door.ts';
import type { ProofSettings } from '../../src/transport/proof/settings.ts';
import { makeAuthority } from '../support/pki.ts';
import { makeTokenIssuer, settingsFor } from '../support/web-tokens.ts';
import type { Way } from './client.ts';

export const issuer = makeTokenIssuer('https://login.example.net');
export const authority = makeAuthority('page test CA');

const server = authority.issue({ commonName: 'bridge.example.net', dnsNames: ['localhost'] });
export const SERVER_TLS = { cert: server.certificate, key: server.privateKey };
/** The same name with another certificate. */
export const renewedTls = () => {
  const { certificate, privateKey } = authority.issue({
    commonName: 'renewed.example.net',
    dnsNames: ['localhost'],
  });
  return { cert: certificate, key: privateKey };
};

export const TOKENS = settingsFor(issuer);

/** Alice may see the page, by a token or by a certificate. */
export const loginOf = (proof: Partial<ProofSettings> = {}, more: Partial<PageLogin> = {}): PageLogin => ({
  proof: { tls: undefined, tokens: TOKENS, isName: isProvenName, ...proof },
  hosts: ['127.0.0.1', 'localhost'],
  allow: { has: (name) => ['oidc=alice@example.net', 'cert=alice'].includes(name) },
  ...more,
});

export const bearer = (token: string = issuer.token()): { readonly authorization: string } => ({
  authorization: `Bearer ${token}`,
});

/** Over TLS, with whose certificate. */
export const over = (commonName?: string, from = authority): Way => {
  const own = commonName === undefined ? undefined : from.issue({ commonName, usages: ['client'] });
  return {
    ca: authority.certificate,
    ...(own !== undefined && { cert: own.certificate, key: own.privateKey }),
  };
};
