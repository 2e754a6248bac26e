import { type Failure, WEAKER } from './failure-class.ts';

/** Until a server answers that speaks the protocol. */
export const REACHING = {
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
} as const satisfies Readonly<Record<string, Failure>>;
