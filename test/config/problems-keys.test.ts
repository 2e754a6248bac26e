import { describe, expect, it } from 'vitest';
import { type Case, minimalWith, problemsOf } from './sample.ts';

const CASES: readonly Case[] = [
  [
    'names the nearest known key for an unknown one',
    'ingresses:',
    'clutser: production\ningresses:',
    [
      'bridge.yaml:2:1: clutser: unknown key; did you mean "cluster"?; allowed: adapters, identity, cluster, instance, cluster_key, cluster_key_file, next_cluster_key, next_cluster_key_file, max_ttl, max_targets, max_message_bytes, drain_timeout, record_socket, control_socket, log, http, page, statistics, claims, audit, ingresses, egresses, policies, routes',
    ],
  ],
  [
    'names the nearest known key of the section',
    '    tls: {',
    '    srevers: []\n    tls: {',
    [
      'bridge.yaml:6:5: ingresses.federation.srevers: unknown key; did you mean "servers"?; allowed: type, cluster, servers, tls, insecure_plaintext, user, password, password_file, token, token_file, nkey, credentials, buffer, subscriptions, callers, reply_collectives',
    ],
  ],
  [
    'suggests nothing for a key that is like no other',
    '    signing:',
    '    zzzzz: 1\n    signing:',
    [
      'bridge.yaml:11:5: egresses.legacy.zzzzz: unknown key; allowed: type, broker, servers, user, password, password_file, vhost, tls, versions, heartbeat, serializer, base64, agents_multiplex, priority, prefetch, buffer, network, nodes, discovery, direct_limit, signing, server_public_key, privileged',
    ],
  ],
  [
    'refuses a key that is there twice',
    'routes:',
    'cluster_key: 0123456789abcdef0123456789abcdef\nroutes:',
    ['bridge.yaml:13:1: cluster_key: this key is there twice, first in line 1'],
  ],
  [
    'points at the section in which a key is missing',
    '    server_public_key: server.pem\n',
    '',
    [
      'bridge.yaml:8:3: egresses.legacy.server_public_key: is missing; allowed: a list: [one, two], of which each is the path of a file or folder',
    ],
  ],
  [
    'points at a key without a value',
    'server_public_key: server.pem',
    'server_public_key:',
    [
      'bridge.yaml:12:5: egresses.legacy.server_public_key: has no value; allowed: a list: [one, two], of which each is the path of a file or folder',
    ],
  ],
  [
    'refuses a name with other characters',
    '    server_public_key: server.pem\n',
    '    server_public_key: server.pem\n  le.gacy: { type: mcollective-stomp, servers: [h], signing: { keys_dir: k }, server_public_key: p }\n',
    ['bridge.yaml:13:3: egresses.le.gacy: is not allowed as a name; allowed: letters, digits, "_" and "-"'],
  ],
  [
    'names the types that there are',
    'type: choria-federation',
    'type: choria',
    [
      'bridge.yaml:4:11: ingresses.federation.type: "choria" is not allowed; allowed: "choria-federation", "choria-collective", "mcollective-stomp", "websocket"',
    ],
  ],
  [
    'demands a type',
    '    type: choria-federation\n',
    '',
    [
      'bridge.yaml:3:3: ingresses.federation.type: is missing; allowed: "choria-federation", "choria-collective", "mcollective-stomp", "websocket"',
    ],
  ],
];

describe('the configuration, of keys,', () => {
  it.each(CASES)('%s', (_, passage, by, problems) => {
    expect(problemsOf(minimalWith(passage, by))).toEqual(problems);
  });
});
