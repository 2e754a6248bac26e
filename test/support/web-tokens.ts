import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** Makes tokens (JWT) as a login server does. */
export interface TokenIssuer {
  readonly issuer: string;
  /** Its public keys, as it serves them. */
  readonly jwks: string;
  /** @param claims beside or in the place of those that a good token has */
  token(claims?: Readonly<Record<string, unknown>>, head?: Readonly<Record<string, unknown>>): string;
}

export const AUDIENCE = 'mcbridge';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Also an algorithm that is none: then nothing is signed. */
const signatureOf = (text: string, alg: unknown, key: KeyObject): string =>
  alg === 'none' ? '' : sign('sha256', Buffer.from(text), key).toString('base64url');

/** @param kid by which its key is known */
export const makeTokenIssuer = (issuer: string, kid = 'one'): TokenIssuer => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const seconds = Math.floor(Date.now() / 1000);
  return {
    issuer,
    jwks: JSON.stringify({
      keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }],
    }),
    token: (claims = {}, head = {}) => {
      const header = { alg: 'RS256', typ: 'JWT', kid, ...head };
      const payload = {
        iss: issuer,
        aud: AUDIENCE,
        sub: 'alice',
        email: 'alice@example.net',
        exp: seconds + 3600,
        ...claims,
      };
      const text = `${part(header)}.${part(payload)}`;
      return `${text}.${signatureOf(text, header.alg, privateKey)}`;
    },
  };
};

/** What takes the tokens of an issuer, and knows people by their addresses. */
export const settingsFor = ({ issuer, jwks }: TokenIssuer) =>
  ({
    keys: { kind: 'text', json: jwks },
    issuer,
    audience: AUDIENCE,
    algorithms: ['RS256'],
    claim: 'email',
    leeway: 0,
  }) as const;
