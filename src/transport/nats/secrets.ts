import { tlsFault } from '../tls/fault.ts';
import { NATS_WORDS } from './errors.ts';
import { nkeySeedFault, readCredentials } from './keys.ts';
import type { NatsLinkSettings, NatsSecrets } from './options.ts';

/** Settings without what a connection proves and checks identities with. */
export const withoutSecrets = <T extends NatsSecrets>({
  tls: _tls,
  user: _user,
  password: _password,
  token: _token,
  nkeySeed: _seed,
  credentials: _credentials,
  authenticator: _authenticator,
  ...rest
}: T): Omit<T, keyof NatsSecrets> => rest;

/** The settings of the next attempt. */
export const refreshed = (settings: NatsLinkSettings): NatsLinkSettings => {
  if (settings.fresh === undefined) return settings;
  const { tls, user, password, token, nkeySeed, credentials, authenticator } = settings.fresh();
  return {
    ...withoutSecrets(settings),
    ...(tls && { tls }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(token !== undefined && { token }),
    ...(nkeySeed !== undefined && { nkeySeed }),
    ...(credentials !== undefined && { credentials }),
    ...(authenticator && { authenticator }),
  };
};

/**
 * Why certificates, keys and tokens cannot be used; undefined where they can.
 * @param now ms since the epoch
 */
export const secretsFault = (
  { tls, password, token: ofServer, nkeySeed, credentials }: NatsSecrets,
  name: string,
  now: number,
): string | undefined => {
  const ofTls = tls && tlsFault(tls, NATS_WORDS, name, now);
  if (ofTls !== undefined) return ofTls;
  if (password === '') return `${name}: the password is empty`;
  if (ofServer === '') return `${name}: the token is empty`;
  const ofSeed = nkeySeed === undefined ? undefined : nkeySeedFault(nkeySeed);
  if (ofSeed !== undefined) return `${name}: nkey: ${ofSeed}`;
  const token = credentials === undefined ? undefined : readCredentials(credentials);
  if (typeof token === 'string') return `${name}: credentials: ${token}`;
  if (token?.expires !== undefined && token.expires <= now)
    return `${name}: credentials: the token of ${token.name} has ended`;
  return undefined;
};
