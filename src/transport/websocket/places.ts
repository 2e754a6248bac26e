/**
 * Where a link hands over what happens on its sessions. A message's `replyTo` is the session; what is sent to a session has it as
 * its destination.
 */
export const SESSION_OPENED = 'session.opened';
/** A text of a client, as it came. */
export const SESSION_SAID = 'session.said';
/** Its body says why, and the header `fault` as what it counts, where the client is at fault. */
export const SESSION_ENDED = 'session.ended';
/** An upgrade that was refused, with the header `fault`; there is no session. */
export const UPGRADE_REFUSED = 'session.refused';

export const PLACES: readonly string[] = [SESSION_OPENED, SESSION_SAID, SESSION_ENDED, UPGRADE_REFUSED];

/** The name that was proven. */
export const CALLER = 'caller';
/** The address that a client has. */
export const FROM = 'from';
/** Ms since the epoch: when what proves the name ends. */
export const UNTIL = 'until';
export const FAULT = 'fault';
/** On a message to a session: ends it with this code; the body is the reason. */
export const CLOSE = 'close';

/** The one protocol that is spoken over these sessions. */
export const SUBPROTOCOL = 'mcbridge.v1.json';
/** A subprotocol that begins so is a token: browsers can set no header. The rest is base64url of it. */
export const BEARER_PREFIX = 'base64url.bearer.authorization.mcbridge.';

/** Codes with which a session is closed: those of graphql-ws, and of RFC 6455's registry. */
export const CLOSE_CODES = {
  restart: 1012,
  tryLater: 1013,
  badRequest: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  badSubprotocol: 4406,
  timeout: 4408,
  tooMany: 4429,
} as const;
