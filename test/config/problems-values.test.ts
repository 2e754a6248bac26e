import { describe, expect, it } from 'vitest';
import { type Case, minimalWith, problemsOf } from './sample.ts';

const CASES: readonly Case[] = [
  [
    'lists the choices',
    'ingresses:',
    'log: { level: loud }\ningresses:',
    [
      'bridge.yaml:2:15: log.level: "loud" is not allowed; allowed: "trace", "debug", "info", "warn", "error"',
    ],
  ],
  [
    'wants text to be quoted where YAML sees a number',
    'ingresses:',
    'identity: 12\ningresses:',
    ['bridge.yaml:2:11: identity: 12 is not allowed; allowed: a host name such as mcbridge1.example.net'],
  ],
  [
    'refuses an identity that is a path',
    'ingresses:',
    'identity: "../etc"\ningresses:',
    [
      'bridge.yaml:2:11: identity: "../etc" is not allowed; allowed: a host name such as mcbridge1.example.net',
    ],
  ],
  [
    'refuses a time in other words',
    'ingresses:',
    'max_ttl: 2 days\ningresses:',
    [
      'bridge.yaml:2:10: max_ttl: "2 days" is not allowed; allowed: a time from 1 s to 86400 s, as seconds or as 30s, 10m, 1h',
    ],
  ],
  [
    'refuses a time out of range',
    'ingresses:',
    'max_ttl: 0s\ningresses:',
    [
      'bridge.yaml:2:10: max_ttl: "0s" is not allowed; allowed: a time from 1 s to 86400 s, as seconds or as 30s, 10m, 1h',
    ],
  ],
  [
    'refuses a size in an unknown unit',
    'ingresses:',
    'max_message_bytes: 4GiB\ningresses:',
    [
      'bridge.yaml:2:20: max_message_bytes: "4GiB" is not allowed; allowed: a size from 65536 to 268435456 bytes, as bytes or as 64kB, 64KiB, 4MB, 4MiB, 1GB, 1GiB',
    ],
  ],
  [
    'refuses half a number',
    'ingresses:',
    'max_targets: 1.5\ningresses:',
    ['bridge.yaml:2:14: max_targets: 1.5 is not allowed; allowed: a whole number from 1 to 100000'],
  ],
  [
    'refuses a yes for a true',
    '    signing:',
    '    base64: yes\n    signing:',
    ['bridge.yaml:11:13: egresses.legacy.base64: "yes" is not allowed; allowed: true or false'],
  ],
  [
    'refuses a single value for a list',
    '[stomp://activemq1.example.net:61613]',
    'stomp://activemq1.example.net:61613',
    [
      'bridge.yaml:10:14: egresses.legacy.servers: "stomp://activemq1.example.net:61613" is not allowed; allowed: a list: [stomp://activemq1.example.net:61613]',
    ],
  ],
  [
    'refuses an empty list',
    '[stomp://activemq1.example.net:61613]',
    '[]',
    ['bridge.yaml:10:14: egresses.legacy.servers: has no entry; allowed: at least one entry'],
  ],
  [
    'refuses a value for a section',
    '{ keys_dir: keys }',
    'keys',
    [
      'bridge.yaml:11:14: egresses.legacy.signing: "keys" is not allowed; allowed: a section with keys: keys_dir, callerid, private_key',
    ],
  ],
  [
    'refuses a short cluster key without showing it',
    '0123456789abcdef0123456789abcdef',
    'short',
    [
      'bridge.yaml:1:14: cluster_key: the value (a secret, not shown) is not allowed; allowed: at least 32 bytes, for instance of: openssl rand -base64 48',
    ],
  ],
  [
    'refuses a regular expression that does not compile',
    '    tls: {',
    '    callers: { allow: ["("] }\n    tls: {',
    [
      'bridge.yaml:6:24: ingresses.federation.callers.allow[0]: "(" is not allowed: a group is not closed; write \\( for the character itself; allowed: a regular expression, for instance \\.mcollective$ or /\\.mcollective$/',
    ],
  ],
  [
    'refuses another scheme',
    'nats://nats1.example.net:4222',
    'http://nats1.example.net',
    [
      'bridge.yaml:5:15: ingresses.federation.servers[0]: "http://nats1.example.net" is not allowed; allowed: nats://host:4222, tls://host:4222 or wss://host:443, without user or password',
    ],
  ],
  [
    'refuses a port that does not exist',
    'nats://nats1.example.net:4222',
    'nats://nats1.example.net:70000',
    [
      'bridge.yaml:5:15: ingresses.federation.servers[0]: "nats://nats1.example.net:70000" is not allowed; allowed: nats://host:4222, tls://host:4222 or wss://host:443, without user or password',
    ],
  ],
  [
    'refuses credentials in a URL without showing them',
    'nats://nats1.example.net:4222',
    'nats://bob:hunter2@nats1.example.net:4222',
    [
      'bridge.yaml:5:15: ingresses.federation.servers[0]: "nats://***@nats1.example.net:4222" is not allowed; allowed: nats://host:4222, tls://host:4222 or wss://host:443, without user or password',
    ],
  ],
  [
    'refuses a version as a number',
    '    signing:',
    '    versions: [1.2]\n    signing:',
    ['bridge.yaml:11:16: egresses.legacy.versions[0]: 1.2 is not allowed; allowed: "1.2", "1.1", "1.0"'],
  ],
  [
    'says that RabbitMQ is not supported yet',
    '    signing:',
    '    broker: rabbitmq\n    signing:',
    ['bridge.yaml:11:13: egresses.legacy.broker: rabbitmq is not supported yet; allowed: activemq'],
  ],
  [
    'refuses a callerid with path characters',
    '{ keys_dir: keys }',
    '{ callerid: ../b, private_key: k }',
    [
      'bridge.yaml:11:26: egresses.legacy.signing.callerid: "../b" is not allowed; allowed: a callerid such as cert=mcbridge',
    ],
  ],
];

describe('the configuration, of values,', () => {
  it.each(CASES)('%s', (_, passage, by, problems) => {
    expect(problemsOf(minimalWith(passage, by))).toEqual(problems);
  });
});
