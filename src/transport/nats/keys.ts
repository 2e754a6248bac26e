import { credsAuthenticator, nkeys } from '@nats-io/transport-node';

/** What a `.creds` file says of its user. */
export interface UserToken {
  readonly name: string;
  /** Ms since the epoch; undefined: never. */
  readonly expires: number | undefined;
}

/** Why a text is not a seed of a user's NKey; undefined where it is one. Never quotes it. */
export const nkeySeedFault = (text: string): string | undefined => {
  try {
    const kind = nkeys.fromSeed(Buffer.from(text.trim())).getPublicKey().charAt(0);
    return kind === 'U' ? undefined : 'it is the seed of another kind of NKey than a user (SU…)';
  } catch {
    return text.trim() === '' ? 'it is empty' : 'it is no seed of an NKey (SU…)';
  }
};

const claimsOf = (jwt: string): Readonly<Record<string, unknown>> => {
  const claims: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
  return typeof claims === 'object' && claims !== null ? { ...claims } : {};
};

/** @returns why a text is no `.creds` file that can be used, or what its token says */
export const readCredentials = (text: string): string | UserToken => {
  try {
    const login = credsAuthenticator(Buffer.from(text))();
    if (typeof login !== 'object' || !('jwt' in login)) return 'it is no .creds file';
    const { sub, name, exp } = claimsOf(login.jwt);
    if (sub !== login.nkey) return 'its token is for another NKey than its seed';
    return {
      name: String(name ?? sub),
      expires: typeof exp === 'number' && exp > 0 ? exp * 1000 : undefined,
    };
  } catch {
    return text.trim() === '' ? 'it is empty' : 'it is no .creds file with a token and a seed';
  }
};
