import {
  type Auth,
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
} from '@nats-io/transport-node';
import type { Login, NatsLinkSettings } from './options.ts';
import type { NatsServerAddress } from './server.ts';

/** What of a server's address is for the login. */
type Address = Pick<NatsServerAddress, 'user' | 'password'>;

/** All that the settings have; what several say is put together. */
const authenticators = (server: Address, settings: Login): readonly Authenticator[] => {
  const { token, nkeySeed, credentials, authenticator } = settings;
  const user = settings.user ?? server.user;
  const pass = settings.password ?? server.password;
  return [
    ...(user === undefined ? [] : [() => ({ user, ...(pass === undefined ? {} : { pass }) })]),
    ...(token === undefined ? [] : [tokenAuthenticator(token)]),
    ...(nkeySeed === undefined ? [] : [nkeyAuthenticator(Buffer.from(nkeySeed.trim()))]),
    ...(credentials === undefined ? [] : [credsAuthenticator(Buffer.from(credentials))]),
    ...(authenticator === undefined ? [] : [authenticator]),
  ];
};

/** @throws what the settings' own authenticator does, and for keys that are invalid */
export const loginAt = (server: Address, settings: Login, nonce: string | undefined): Auth =>
  Object.assign({}, ...authenticators(server, settings).map((ask) => ask(nonce)));

export const hasLogin = (server: Address, settings: Pick<NatsLinkSettings, 'tls'> & Login): boolean =>
  settings.tls?.cert !== undefined || authenticators(server, settings).length > 0;
