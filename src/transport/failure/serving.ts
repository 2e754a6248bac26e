import type { Failure } from './failure-class.ts';

/** Of logins, rights, limits, and of a connection that stood. */
export const SERVING = {
  'login-refused': {
    code: 'refused',
    sentence: 'it refuses the credentials ({detail})',
    hint: 'check {credentials}',
  },
  'login-missing': {
    code: 'refused',
    sentence: 'it wants credentials, and none are configured ({detail})',
    hint: 'set {credentials}',
  },
  'login-late': {
    code: 'refused',
    sentence: 'the credentials came too late for it',
    hint: "one of both is overloaded, or the server's timeout of logins is too short",
  },
  'login-expired': {
    code: 'refused',
    sentence: 'the credentials have expired or been revoked ({detail})',
    hint: 'renew {credentials}, or the account on the server',
  },
  'too-many-connections': {
    code: 'refused',
    sentence: 'it takes no more connections ({detail})',
    hint: "raise the server's limit of connections, or look who holds them",
  },
  'too-many-subscriptions': {
    code: 'refused',
    sentence: 'it takes no more subscriptions of this client ({detail})',
    hint: "raise max_subscriptions on the server, or the limit of this user's account, or look whether it has to be so many",
  },
  'not-let-in': {
    code: 'refused',
    sentence: 'it does not let this client in ({detail})',
    hint: "these are the broker's own words; its log may say more",
  },
  'may-not-subscribe': {
    code: 'refused',
    sentence: 'no right to subscribe to {detail}',
    hint: 'let this user do so on the broker, see docs/rights.md',
  },
  'may-not-publish': {
    code: 'refused',
    sentence: 'no right to publish to {detail}',
    hint: 'let this user do so on the broker, see docs/rights.md',
  },
  'may-not-create': {
    code: 'refused',
    sentence: 'no right to create {detail}',
    hint: 'let this user do so on the broker, see docs/rights.md',
  },
  'bad-subscription': {
    code: 'refused',
    sentence: 'it refuses the subscription to {detail}',
    hint: "these are the broker's own words; its log may say more",
  },
  unconfirmed: {
    code: 'refused',
    sentence: 'it does not say within {detail} whether it permits that',
    hint: "look at the broker's log; is it overloaded?",
  },
  'too-large': {
    code: 'protocol',
    sentence: 'it ended the connection because of a message that is too large for it ({detail})',
    hint: "compare max_message_bytes with the server's limit (max_payload, maxFrameSize)",
  },
  'too-slow': {
    code: 'unreachable',
    sentence: 'it ended the connection because the bridge did not read fast enough',
    hint: 'is this machine overloaded?',
  },
  'gone-silent': {
    code: 'unreachable',
    sentence: 'it has gone silent: {detail}',
    hint: 'the broker has stalled, or a firewall forgets idle connections',
  },
  'shutting-down': {
    code: 'unreachable',
    sentence: 'it is shutting down',
    hint: 'another server of the pool is tried',
  },
  lost: {
    code: 'unreachable',
    sentence: 'the connection was closed',
    hint: "the broker's log says why",
  },
  reset: {
    code: 'unreachable',
    sentence: 'the connection was reset ({detail})',
    hint: "a broker that died, or a firewall or proxy in between; the broker's log says which",
  },
  reported: {
    code: 'protocol',
    sentence: 'it reports an error: {detail}',
    hint: "these are the broker's own words; its log may say more",
  },
  unknown: {
    code: 'unreachable',
    sentence: '{detail}',
    hint: 'check {servers} and the network of this machine',
  },
} as const satisfies Readonly<Record<string, Failure>>;
