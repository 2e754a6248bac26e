import type { LinkErrorCode } from '../link.ts';

/** One cause of a failing link: its class, what is said of it, and what to do about it. */
export interface Failure {
  readonly code: LinkErrorCode;
  /** `{detail}` is what is known of the single case; names in braces are those of settings and of the protocol. */
  readonly sentence: string;
  readonly hint: string;
}

const WEAKER = '{minVersion}: TLSv1 and {ciphers}: "DEFAULT@SECLEVEL=0"';

/** Every cause that the links of all protocols tell apart; docs/troubleshooting.md has them as a table. */
export const FAILURES = {
  'unknown-name': {
    code: 'unreachable',
    sentence: 'the host name cannot be resolved',
    hint: 'check the name in {servers}, and DNS on this machine',
  },
  'no-name-service': {
    code: 'unreachable',
    sentence: 'the host name cannot be resolved at the moment, the name service does not answer',
    hint: 'check DNS on this machine (/etc/resolv.conf)',
  },
  'connection-refused': {
    code: 'unreachable',
    sentence: 'connection refused, nothing listens there',
    hint: 'check host and port in {servers}, and that the broker runs',
  },
  'no-route': {
    code: 'unreachable',
    sentence: 'the host cannot be reached from this machine ({detail})',
    hint: 'check the address in {servers}, and network, routes and firewalls of this machine',
  },
  'no-sockets': {
    code: 'unreachable',
    sentence: 'this machine gives the process no more connections ({detail})',
    hint: 'raise the limit of open files (ulimit -n, LimitNOFILE), or the memory of this machine',
  },
  'connect-timeout': {
    code: 'unreachable',
    sentence: 'no connection within {detail}',
    hint: 'check host and port in {servers}: a firewall drops packets, or the host is down',
  },
  'closed-early': {
    code: 'unreachable',
    sentence: 'it ended the connection before it said anything',
    hint: "look at the broker's log: a limit of connections, a proxy or firewall in between, or the port of another protocol",
  },
  'closed-before-handshake': {
    code: 'unreachable',
    sentence: 'it ended the connection before it answered the TLS handshake',
    hint: `look at the broker's log: a limit of connections, a proxy or firewall in between, a port without TLS, or no version and cipher in common (an old broker may need ${WEAKER})`,
  },
  'closed-at-login': {
    code: 'unreachable',
    sentence: 'it ended the connection instead of an answer to CONNECT',
    hint: "look at the broker's log: a limit of connections, the port of another protocol or with TLS, or {credentials}{loginHint}",
  },
  silent: {
    code: 'unreachable',
    sentence: 'it takes connections and says nothing within {detail}',
    hint: 'check that the port in {servers} is the one for {protocol}{silentHint}',
  },
  'another-protocol': {
    code: 'protocol',
    sentence: 'what answers there is not {peer} but {detail}',
    hint: 'check the port in {servers}',
  },
  'wrong-port': {
    code: 'protocol',
    sentence: 'the port is for other servers, not for clients ({detail})',
    hint: "check the port in {servers}: clients' is 4222 by default",
  },
  garbled: {
    code: 'protocol',
    sentence: 'what it sends is not {protocol}: {detail}',
    hint: 'check that the port in {servers} is the one for {protocol}',
  },
  'old-protocol': {
    code: 'protocol',
    sentence: 'it does not speak a version of {protocol} that is configured: {detail}',
    hint: 'check versions',
  },
  'no-tls': {
    code: 'tls',
    sentence: 'it offers no TLS, and TLS is configured',
    hint: 'turn TLS on at the server; or leave TLS out here ({plaintext}), in a network that you trust',
  },
  'tls-demanded': {
    code: 'tls',
    sentence: 'it demands TLS, and none is configured',
    hint: 'give {ca}, and write {secure} where the URL says which',
  },
  'not-tls': {
    code: 'tls',
    sentence: 'what answers there does not speak TLS',
    hint: 'check the port in {servers}; for one without TLS write {plain}',
  },
  'tls-silent': {
    code: 'tls',
    sentence: 'it did not finish the TLS handshake within {detail}',
    hint: 'check that the port in {servers} is one with TLS; for one without write {plain}',
  },
  'closed-in-handshake': {
    code: 'tls',
    sentence: 'it ended the connection in the middle of the TLS handshake',
    hint: "look at the broker's log: it may not accept the certificate {cert}, or want one and get none, or share no version and cipher ({minVersion}, {ciphers})",
  },
  'handshake-refused': {
    code: 'tls',
    sentence: 'it refuses the TLS handshake ({detail})',
    hint: `no version or cipher in common (an old broker may need ${WEAKER}), or it wants a client certificate ({cert} and {key})`,
  },
  'tls-too-old': {
    code: 'tls',
    sentence: 'it speaks only versions of TLS that are older than this bridge allows ({detail})',
    hint: `set ${WEAKER}, or give the broker a newer TLS`,
  },
  'tls-too-weak': {
    code: 'tls',
    sentence: 'its certificate, key or signature is weaker than this bridge allows ({detail})',
    hint: 'set {ciphers}: "DEFAULT@SECLEVEL=0", or renew what is weak with SHA-256 and 2,048 bits or more',
  },
  'unknown-ca': {
    code: 'tls',
    sentence: 'its certificate is not signed by a CA of {ca} ({detail})',
    hint: "give the CA that signed the broker's certificate in {ca}; a broker must send intermediate certificates itself",
  },
  'no-public-ca': {
    code: 'tls',
    sentence: 'its certificate is not signed by a public CA, and no other is configured ({detail})',
    hint: "give the CA that signed the broker's certificate in {ca}",
  },
  'server-expired': {
    code: 'tls',
    sentence: 'its certificate, or one above it, has expired',
    hint: "renew the broker's certificate or its CA; is this machine's clock right?",
  },
  'server-too-early': {
    code: 'tls',
    sentence: 'its certificate is not valid yet',
    hint: 'compare the clocks of this machine and of the one that made the certificate',
  },
  'other-name': {
    code: 'tls',
    sentence: 'its certificate is for another host name ({detail})',
    hint: 'name the broker in {servers} as its certificate does, or give it a certificate for this name',
  },
  'not-a-server': {
    code: 'tls',
    sentence: 'its certificate is not made for servers',
    hint: 'give the broker a certificate with the extended key usage "server authentication"',
  },
  'client-certificate-missing': {
    code: 'tls',
    sentence: 'it wants a client certificate, and none is configured',
    hint: 'set {cert} and {key}',
  },
  'client-certificate-expired': {
    code: 'tls',
    sentence: "it says that this client's certificate has expired",
    hint: 'renew {cert}',
  },
  'client-certificate-refused': {
    code: 'tls',
    sentence: "it does not accept this client's certificate ({detail})",
    hint: 'check that {cert} is signed by a CA that the broker trusts, allows client use, and is not expired or revoked',
  },
  'closed-after-handshake': {
    code: 'tls',
    sentence: 'it ended the connection right after the TLS handshake',
    hint: "look at the broker's log: it may not accept the certificate {cert}, or want one and get none, or refuse {credentials}{loginHint}",
  },
  'key-mismatch': {
    code: 'tls',
    sentence: '{key} does not belong to {cert}',
    hint: 'give the pair that was made together',
  },
  'ca-unreadable': {
    code: 'tls',
    sentence: '{ca} holds no certificate in PEM',
    hint: 'it takes a PEM file with BEGIN CERTIFICATE',
  },
  'certificate-unreadable': {
    code: 'tls',
    sentence: '{cert} holds no certificate in PEM that can be read ({detail})',
    hint: 'it takes a PEM file with BEGIN CERTIFICATE',
  },
  'key-unreadable': {
    code: 'tls',
    sentence: '{key} holds no private key in PEM that can be read ({detail})',
    hint: 'it takes a PEM file with BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY',
  },
  'key-encrypted': {
    code: 'tls',
    sentence: '{key} is encrypted',
    hint: 'the bridge has no passphrase; openssl pkey -in FILE -out NEW decrypts it',
  },
  'own-too-weak': {
    code: 'tls',
    sentence: "this client's own certificate or CA is weaker than this bridge allows ({detail})",
    hint: 'renew {cert} with SHA-256 and 2,048 bits or more, or set {ciphers}: "DEFAULT@SECLEVEL=0"',
  },
  'bad-ciphers': {
    code: 'tls',
    sentence: '{ciphers} names no cipher that OpenSSL knows',
    hint: 'openssl ciphers -v LIST shows what a list means',
  },
  'tls-failed': {
    code: 'tls',
    sentence: 'TLS failed ({detail})',
    hint: "look at the broker's log, and compare {minVersion} and {ciphers} with what it allows",
  },
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

export type FailureKind = keyof typeof FAILURES;
