import { createLocalJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { ProofRefusal } from './refusal.ts';
import { type ServedKeysOptions, servedKeys } from './served-keys.ts';
import type { KeySet, TokenSettings } from './settings.ts';

/** The last instant that a date has, in ms since the epoch. */
const LAST_INSTANT = 8.64e15;

/** What a token proves. */
interface TokenProof {
  readonly name: string;
  /** Ms since the epoch. */
  readonly until: number;
}

const keysOf = (keys: KeySet, options: ServedKeysOptions): JWTVerifyGetKey =>
  keys.kind === 'text' ? createLocalJWKSet(JSON.parse(keys.json)) : servedKeys(keys.url, options);

/** Who asks a login server for an account may give any address; it says so as long as nobody has proven it. */
const isUnproven = (claim: string, { email_verified: verified }: JWTPayload): boolean =>
  claim === 'email' && verified !== undefined && verified !== true && verified !== 'true';

const refusalOf = (error: unknown, { algorithms }: TokenSettings): ProofRefusal => {
  const invalid = (why: string): ProofRefusal =>
    new ProofRefusal(401, 'invalid_token', `The token is refused: ${why}.`, { cause: error });
  if (error instanceof errors.JWTExpired)
    return new ProofRefusal(401, 'token_ended', 'The token has ended.', { cause: error });
  if (error instanceof errors.JWTClaimValidationFailed)
    return invalid(
      error.reason === 'missing' ? `it has no ${error.claim}` : `its ${error.claim} is not what it should be`,
    );
  if (error instanceof errors.JOSEAlgNotAllowed)
    return invalid(`its algorithm is not one of ${algorithms.join(', ')}`);
  if (error instanceof errors.JWSSignatureVerificationFailed) return invalid('its signature does not hold');
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return invalid('it names no key that is known');
  if (
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JOSENotSupported
  )
    return invalid('it is no signed JWT');
  return new ProofRefusal(503, 'keys_unknown', 'The keys that tokens are verified with are not known now.', {
    cause: error,
  });
};

/**
 * Verifies bearer tokens: signature, issuer, audience, algorithm, times.
 * @returns a function that throws ProofRefusal
 */
export const createTokenVerifier = (
  settings: TokenSettings,
  options: ServedKeysOptions,
): ((token: string) => Promise<TokenProof>) => {
  const { issuer, audience, algorithms, claim, leeway } = settings;
  const { clock } = options;
  const keys = keysOf(settings.keys, options);

  const verified = async (token: string): Promise<JWTPayload> => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: [...algorithms],
        requiredClaims: ['exp', claim],
        clockTolerance: leeway / 1000,
        currentDate: new Date(clock()),
      });
      return payload;
    } catch (error) {
      throw refusalOf(error, settings);
    }
  };

  return async (token) => {
    const payload = await verified(token);
    const name = payload[claim];
    if (typeof name !== 'string')
      throw new ProofRefusal(403, 'no_name', `The token's ${claim} is no text, so it names nobody.`);
    if (isUnproven(claim, payload))
      throw new ProofRefusal(403, 'no_name', "The token's email is not verified, so it names nobody.");
    const until = Math.min((payload.exp ?? 0) * 1000 + leeway, LAST_INSTANT);
    return { name: `oidc=${name}`, until };
  };
};
