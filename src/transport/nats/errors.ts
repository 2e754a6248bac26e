import { LinkFailure } from '../failure/failure.ts';
import type { FailureKind } from '../failure/table.ts';
import type { ProtocolWords } from '../failure/words.ts';
import type { Right } from '../link.ts';
import { grantOf } from './grant.ts';

/** NATS in the texts of failures. */
export const NATS_WORDS: ProtocolWords = {
  protocol: 'NATS',
  peer: 'a NATS server',
  plain: 'nats://',
  secure: 'tls://',
  credentials: 'user and password, token, nkey or credentials',
  silentHint:
    ': a NATS server speaks first (one with handshake_first: true does not: set tls.handshake_first: true)',
  loginHint: '',
};

/** What a server says with `-ERR`, mostly before it ends a connection; see nats-server's server/errors.go. */
const BY_TEXT: readonly (readonly [text: RegExp, kind: FailureKind])[] = [
  [/^authorization violation/i, 'login-refused'],
  [/^(authentication|tls handshake|secure connection).* time-?out/i, 'login-late'],
  [/^user authentication (expired|revoked)/i, 'login-expired'],
  [/^account authentication expired/i, 'login-expired'],
  [/^maximum (account |client )?(active )?connections exceeded/i, 'too-many-connections'],
  [/^maximum (account )?subscriptions exceeded/i, 'too-many-subscriptions'],
  [/^connection throttling/i, 'too-many-connections'],
  [/^secure connection - tls required/i, 'tls-demanded'],
  [/^attempted to connect to (\w{1,20} ?\w{0,20}) port/i, 'wrong-port'],
  [/^maximum (payload|control line)/i, 'too-large'],
  [/^slow consumer/i, 'too-slow'],
  [/^stale connection/i, 'gone-silent'],
  [/^server shutdown/i, 'shutting-down'],
];

/** What `-ERR` means. @param hasCredentials whether any were sent */
export const toServerError = (text: string, server: string, hasCredentials = true): LinkFailure => {
  const kind = BY_TEXT.find(([pattern]) => pattern.test(text))?.[1] ?? 'reported';
  const isBare = kind === 'login-refused' && !hasCredentials;
  return new LinkFailure(NATS_WORDS, server, isBare ? 'login-missing' : kind, text);
};

/** Texts of nats-server, server/client.go. */
const PERMISSIONS =
  /^permissions violation for (publish|subscription) to "([^"]*)"(?: using queue "([^"]*)")?/i;

/** The right that a server refuses; undefined for any other `-ERR`. */
export const refusedRight = (text: string): Right | undefined => {
  const [, operation, destination, group] = PERMISSIONS.exec(text) ?? [];
  if (operation === undefined || destination === undefined) return undefined;
  return {
    kind: operation.toLowerCase() === 'publish' ? 'publish' : 'subscribe',
    destination,
    ...(group === undefined ? {} : { group }),
  };
};

export const denial = (right: Right, server: string): LinkFailure => {
  const as = right.group === undefined ? '' : ` in queue group "${right.group}"`;
  return new LinkFailure(
    NATS_WORDS,
    server,
    right.kind === 'publish' ? 'may-not-publish' : 'may-not-subscribe',
    `"${right.destination}"${as}`,
    { advice: `on the server, in permissions of this user: ${grantOf(right)}` },
  );
};

/** Whether this is what the client says to a connection that ends without an error. */
export const isJustClosed = (error: unknown): boolean =>
  error instanceof Error && /^error connecting - node provided an undefined error$/.test(error.message);
