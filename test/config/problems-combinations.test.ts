import { describe, expect, it } from 'vitest';
import { type Case, minimalWith, problemsOf } from './sample.ts';

const CASES: readonly Case[] = [
  [
    'demands a cluster key',
    'cluster_key: 0123456789abcdef0123456789abcdef\n',
    '',
    [
      'bridge.yaml:1:1: cluster_key: is missing: give cluster_key or cluster_key_file, the same in all instances',
    ],
  ],
  [
    'refuses two cluster keys',
    'ingresses:',
    'cluster_key_file: cluster.key\ningresses:',
    ['bridge.yaml:2:19: cluster_key_file: contradicts cluster_key: leave out one of them'],
  ],
  [
    'demands TLS of Choria',
    '    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }\n',
    '',
    [
      'bridge.yaml:3:3: ingresses.federation.tls: is missing: Choria always uses TLS; give tls, or insecure_plaintext: true',
    ],
  ],
  [
    'refuses TLS and plain text together',
    '    tls: {',
    '    insecure_plaintext: true\n    tls: {',
    ['bridge.yaml:6:25: ingresses.federation.insecure_plaintext: contradicts tls: leave out one of them'],
  ],
  [
    'refuses a tls:// server in plain text',
    '[nats://nats1.example.net:4222]\n    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }',
    '[tls://nats1.example.net:4222]\n    callers: { ca: ca.pem }\n    insecure_plaintext: true',
    [
      'bridge.yaml:5:15: ingresses.federation.servers[0]: asks for TLS, which insecure_plaintext: true rules out',
    ],
  ],
  [
    'demands a CA for callers where there is no TLS',
    'tls: { ca: ca.pem, cert: cert.pem, key: key.pem }',
    'insecure_plaintext: true',
    [
      'bridge.yaml:3:3: ingresses.federation.callers: ca is missing: without tls there is no CA to verify callers with',
    ],
  ],
  [
    'refuses a certificate without its key',
    ', key: key.pem',
    '',
    ['bridge.yaml:6:10: ingresses.federation.tls: cert and key belong together: give both'],
  ],
  [
    'demands a client certificate where there is no other login',
    ', cert: cert.pem, key: key.pem',
    '',
    [
      "bridge.yaml:6:10: ingresses.federation.tls: Choria's brokers demand a client certificate: give cert and key here, or user and password, token, nkey or credentials",
    ],
  ],
  [
    'refuses a user without a password',
    '    signing:',
    '    user: bob\n    signing:',
    ['bridge.yaml:11:11: egresses.legacy.user: user and password belong together: give both'],
  ],
  [
    'refuses a password without a user',
    '    tls: {',
    '    password: hunter2\n    tls: {',
    ['bridge.yaml:6:15: ingresses.federation.password: user and password belong together: give both'],
  ],
  [
    'refuses a password beside a file with it',
    '    tls: {',
    '    user: bob\n    password: pw\n    password_file: pw.txt\n    tls: {',
    ['bridge.yaml:8:20: ingresses.federation.password_file: contradicts password: leave out one of them'],
  ],
  [
    'refuses a file with a password without a user',
    '    tls: {',
    '    password_file: pw.txt\n    tls: {',
    ['bridge.yaml:6:20: ingresses.federation.password_file: user and password belong together: give both'],
  ],
  [
    'refuses a token beside a user',
    '    tls: {',
    '    user: bob\n    password: pw\n    token: tk\n    tls: {',
    ['bridge.yaml:8:12: ingresses.federation.token: contradicts user and password: leave out one of them'],
  ],
  [
    'refuses two of the other logins',
    '    tls: {',
    '    nkey: bridge.nk\n    credentials: bridge.creds\n    tls: {',
    ['bridge.yaml:7:18: ingresses.federation.credentials: contradicts nkey: leave out one of them'],
  ],
  [
    'refuses a wss:// server among others',
    '[nats://nats1.example.net:4222]',
    '[nats://nats1.example.net:4222, wss://nats2.example.net]',
    [
      'bridge.yaml:5:46: ingresses.federation.servers[1]: goes by another way: all servers are wss://, or none of them',
    ],
  ],
  [
    'says nothing more of a server that is none',
    '[nats://nats1.example.net:4222]',
    '[htp://nats1.example.net, wss://nats2.example.net]',
    [
      'bridge.yaml:5:15: ingresses.federation.servers[0]: "htp://nats1.example.net" is not allowed; allowed: nats://host:4222, tls://host:4222 or wss://host:443, without user or password',
    ],
  ],
  [
    'refuses wss:// in plain text',
    '[nats://nats1.example.net:4222]\n    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }',
    '[wss://nats1.example.net]\n    callers: { ca: ca.pem }\n    insecure_plaintext: true',
    [
      'bridge.yaml:5:15: ingresses.federation.servers[0]: asks for TLS, which insecure_plaintext: true rules out',
    ],
  ],
  [
    'refuses TLS before the first word where it comes first anyway',
    '[nats://nats1.example.net:4222]\n    tls: { ca: ca.pem,',
    '[wss://nats1.example.net]\n    tls: { handshake_first: true, ca: ca.pem,',
    [
      'bridge.yaml:6:29: ingresses.federation.tls.handshake_first: is for nats:// and tls://: with wss:// TLS comes first anyway',
    ],
  ],
  [
    'refuses TLS settings that no server uses',
    '    signing:',
    '    tls: { ca: ca.pem }\n    signing:',
    ['bridge.yaml:11:10: egresses.legacy.tls: is of no use: no server is stomp+ssl://'],
  ],
  [
    'refuses two ways of signing',
    '{ keys_dir: keys }',
    '{ keys_dir: keys, callerid: cert=b, private_key: k }',
    [
      'bridge.yaml:11:14: egresses.legacy.signing: give either keys_dir (a private key for each caller), or callerid and private_key (one shared identity)',
    ],
  ],
  [
    'refuses half a way of signing',
    '{ keys_dir: keys }',
    '{ callerid: cert=b }',
    [
      'bridge.yaml:11:14: egresses.legacy.signing: give either keys_dir (a private key for each caller), or callerid and private_key (one shared identity)',
    ],
  ],
];

describe('the configuration, of combinations of keys,', () => {
  it.each(CASES)('%s', (_, passage, by, problems) => {
    expect(problemsOf(minimalWith(passage, by))).toEqual(problems);
  });
});
