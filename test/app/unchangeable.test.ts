import { describe, expect, test } from 'vitest';
import { claimsSettings } from '../../src/app/sharing.ts';
import { checkKeyStep } from '../../src/app/token-keys.ts';
import { checkUnchanged } from '../../src/app/unchangeable.ts';
import { fileReader } from '../../src/config/files.ts';
import { memoryFiles } from '../../src/config/key-files.ts';
import { readClusterKeys } from '../../src/setup/cluster-key.ts';
import { CLUSTER_KEY, legacyToChoria, load, refusalOf } from '../config/sample.ts';

const FILES = ['ca', 'cert', 'key', 'seed'];

/** What stands in files, each its own name but for those that are given. */
const filesOf = (changed: Readonly<Record<string, string>> = {}) =>
  memoryFiles(new Map(FILES.map((name) => [`/etc/mcbridge/${name}.pem`, changed[name] ?? name])));

const OWN = 'claims: { servers: [tls://claims:4222], tls: { ca: ca.pem, cert: cert.pem, key: key.pem } }\n';
const NKEY = 'claims: { servers: [tls://claims:4222], tls: { ca: ca.pem }, nkey: seed.pem }\n';
const LINK = 'claims: { link: choria }\n';

interface Given {
  readonly top?: string;
  readonly ingress?: readonly string[];
  readonly change?: (text: string) => string;
  readonly files?: Readonly<Record<string, string>>;
}

const given = ({ top = '', ingress = [], change = (it) => it, files }: Given) => {
  const loaded = load(change(legacyToChoria(ingress, top)));
  const read = fileReader(loaded, filesOf(files));
  return { loaded, read, claims: claimsSettings(loaded, read) };
};

/** Why a running app does not take over the other. */
const refused = (one: Given, other: Given): readonly string[] => {
  const [before, next] = [given(one), given(other)];
  const keys = readClusterKeys(before.loaded, before.read);
  return refusalOf(() => {
    checkUnchanged(before.loaded, next.loaded, before.claims, next.claims);
    checkKeyStep(keys, readClusterKeys(next.loaded, next.read), next.loaded);
  }).map((problem) => problem.replace(/^\S+ /, ''));
};

const RESTART = 'while the bridge runs; restart it';

describe('where broadcasts are claimed', () => {
  test.each([OWN, NKEY, LINK])('the same again is none other: %s', (top) => {
    expect(refused({ top }, { top })).toEqual([]);
  });

  test.each<readonly [string, Given, Given]>([
    ['another content of a file', { top: OWN }, { top: OWN, files: { ca: 'another' } }],
    ['another content of an NKey', { top: NKEY }, { top: NKEY, files: { seed: 'another' } }],
    ['other servers', { top: OWN }, { top: OWN.replace('claims:4222', 'elsewhere:4222') }],
    ['a link in the place of its own servers', { top: OWN }, { top: LINK }],
    ['a shorter ttl', { top: OWN }, { top: `max_ttl: 10m\n${OWN}` }],
  ])('%s is taken over', (_, before, next) => {
    expect(refused(before, next)).toEqual([]);
  });

  test.each<readonly [string, Given, string]>([
    [
      'a longer ttl',
      { top: `max_ttl: 2h\n${OWN}` },
      'max_ttl: cannot be changed (claims are not kept for as long)',
    ],
    [
      'a clock that may be further ahead',
      {
        top: OWN,
        change: (text) => text.replace('keys_dir: clients', 'keys_dir: clients, max_ahead: 2h'),
      },
      'ingresses.mco.callers.max_ahead: cannot be changed (claims are not kept for as long)',
    ],
    ['another size', { top: OWN.replace(' }\n', ', max_bytes: 64MiB }\n') }, 'claims.max_bytes: cannot be'],
    [
      'more replicas',
      { top: OWN.replace(' }\n', ', replicas: 3 }\n') },
      'claims.replicas: cannot be changed',
    ],
    [
      'no claims',
      { top: OWN, ingress: ['share: single'] },
      'ingresses.mco.share: cannot be changed from claims',
    ],
  ])('%s is refused by the key that says it', (_, other, told) => {
    expect(refused({ top: OWN }, other)).toEqual([expect.stringContaining(told)]);
  });

  test('what claims do not use is free to change', () => {
    const buffer = (text: string): string =>
      text.replace('signing:', 'buffer: { messages: 5 }\n    signing:');
    expect(refused({ top: LINK }, { top: LINK, change: buffer })).toEqual([]);
  });
});

test('claims do not begin while the bridge runs', () => {
  expect(refused({ ingress: ['share: single'] }, { top: OWN })).toEqual([
    `ingresses.mco.share: cannot be changed to claims ${RESTART}`,
  ]);
});

describe('where policies count what max_nodes limits', () => {
  const policies = (words: string) => `policies: { ops: { rules: [{ verdict: allow${words} }] } }\n`;
  const counting = (words: string, top = OWN): Given => ({
    top: top + policies(words),
    ingress: ['broadcast_queue: "/queue/{collective}"', 'share: queue'],
    change: (text) => text.replace(/^( {4}identities: .*)$/m, '$1\n    policy: ops'),
  });
  const LIMIT = ', max_nodes: 5';

  test('a rule may begin to, and end it, while the bridge runs', () => {
    expect(refused(counting(''), counting(LIMIT))).toEqual([]);
    expect(refused(counting(LIMIT), counting(''))).toEqual([]);
  });

  test('claims do not come or go while the bridge runs', () => {
    const told = [`claims: cannot be changed (max_nodes is counted by them) ${RESTART}`];
    expect(refused(counting(LIMIT, ''), counting(LIMIT))).toEqual(told);
    expect(refused(counting(LIMIT), counting(LIMIT, ''))).toEqual(told);
    expect(refused(counting('', ''), counting(''))).toEqual([]);
  });
});

test('without claims their ttl and their files are of no interest', () => {
  const single = ['share: single'];
  expect(
    refused({ ingress: single }, { top: `max_ttl: 2h\n${OWN}`, ingress: single, files: { ca: 'another' } }),
  ).toEqual([]);
});

test.each([
  ['identity', 'identity: other.example.net\n'],
  ['cluster', 'cluster: other\n'],
  ['instance', 'instance: other\n'],
])('an app keeps its %s for life', (key, top) => {
  // Where it is not given it is the identity.
  const instance = key === 'instance' ? '' : 'instance: one\n';
  expect(refused({ top: 'instance: one\n' }, { top: top + instance })).toEqual([
    `${key}: cannot be changed ${RESTART}`,
  ]);
});

test.each([
  'http: { listen: off }',
  'statistics: { interval: 0 }',
  'record_socket: record.sock',
  'control_socket: control.sock',
  'log: { level: debug, format: pretty, file: bridge.log }',
  'drain_timeout: 1m',
  'max_ttl: 2h',
])('%s may come while the bridge runs', (top) => {
  const single = ['share: single'];
  expect(refused({ ingress: single }, { top: `${top}\n`, ingress: single })).toEqual([]);
});

describe('the cluster key', () => {
  const [, key = ''] = CLUSTER_KEY.trim().split(': ');
  const other = key.toUpperCase();
  const keys = (own: string, next?: string): Given => ({
    change: (text) =>
      text.replace(
        CLUSTER_KEY,
        `cluster_key: ${own}\n${next === undefined ? '' : `next_cluster_key: ${next}\n`}`,
      ),
  });

  test('may move into a file', () => {
    const change = (text: string): string => text.replace(CLUSTER_KEY, 'cluster_key_file: seed.pem\n');
    expect(refused({}, { change, files: { seed: key } })).toEqual([]);
    expect(refused({}, { change, files: { seed: other } })).toEqual([
      'cluster_key_file: cannot become a key that is not known yet while the bridge runs: give it as next_cluster_key to all instances first',
    ]);
  });

  test('is learned, taken and then the only one', () => {
    const steps = [keys(key), keys(key, other), keys(other, key), keys(other)];
    for (const [index, step] of steps.slice(1).entries())
      expect(refused(steps[index] ?? {}, step), `step ${index + 1}`).toEqual([]);
  });

  test('is no next one of itself', () => {
    expect(refused(keys(key), keys(key, key))).toEqual([
      'next_cluster_key: is the cluster key that is in use: leave it out, or give the other one',
    ]);
  });

  test('is not taken before it is known, and the one before is not forgotten with it', () => {
    expect(refused(keys(key), keys(other, key))).toEqual([
      expect.stringContaining('cluster_key: cannot become a key that is not known yet'),
    ]);
    expect(refused(keys(key, other), keys(other))).toEqual([
      'cluster_key: cannot be forgotten at once while the bridge runs: it stays next_cluster_key until replies to what was sent with it are home',
    ]);
  });
});
