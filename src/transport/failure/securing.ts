import { type Failure, WEAKER } from './failure-class.ts';

/** Of TLS, and of its keys and certificates. */
export const SECURING = {
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
  'server-revoked': {
    code: 'tls',
    sentence: 'its certificate, or one above it, is revoked ({detail})',
    hint: 'give the broker a new certificate; where this one should not be in {crl}, ask whoever runs its CA',
  },
  'revocation-unknown': {
    code: 'tls',
    sentence: 'its certificate cannot be looked up in {crl} ({detail})',
    hint: 'give the current list of each CA above the broker in {crl}; {crlExpired} says whether one counts that has expired',
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
} as const satisfies Readonly<Record<string, Failure>>;
