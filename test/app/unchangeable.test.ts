import { describe, expect, test } from 'vitest';
import { claimsSettings } from '../../src/app/sharing.ts';
import { checkUnchanged } from '../../src/app/unchangeable.ts';
import { fileReader } from '../../src/config/files.ts';
import { memoryFiles } from '../../src/config/key-files.ts';
import { readClusterKey } from '../../src/setup/cluster-key.ts';
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
  const made = { key: readClusterKey(before.loaded, before.read), claims: before.claims };
  return refusalOf(() =>
    checkUnchanged(before.loaded, next.loaded, { made, read: next.read, claims: next.claims }),
  ).map((problem) => problem.replace(/^\S+ /, ''));
};

const RESTART = 'while the bridge runs; restart it';

describe('where broadcasts are claimed', () => {
  test.each([OWN, NKEY, LINK])('the same again is none other: %s', (top) => {
    expect(refused({ top }, { top })).toEqual([]);
  });

  test.each([
    ['the CA', OWN, 'ca'],
    ['the certificate', OWN, 'cert'],
    ['the key', OWN, 'key'],
    ['the seed of the NKey', NKEY, 'seed'],
    ['a key of the link', LINK, 'key'],
  ])('another content of a file is seen: %s', (_, top, file) => {
    expect(refused({ top }, { top, files: { [file]: 'another' } })).toEqual([
      `claims: cannot be changed (neither servers nor login, nor what their files hold) ${RESTART}`,
    ]);
  });

  test.each<readonly [string, Given, string]>([
    [
      'other servers',
      { top: OWN.replace('claims:4222', 'elsewhere:4222') },
      'claims: cannot be changed (nei',
    ],
    ['a link in the place of its own servers', { top: LINK }, 'claims: cannot be changed (nei'],
    [
      'another ttl',
      { top: `max_ttl: 2h\n${OWN}` },
      'max_ttl: cannot be changed (claims are kept for as long)',
    ],
    [
      'a clock that may be further ahead',
      {
        top: OWN,
        change: (text) => text.replace('keys_dir: clients', 'keys_dir: clients, max_ahead: 2h'),
      },
      'ingresses.mco.callers.max_ahead: cannot be changed (claims are kept for as long)',
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
  ['http', 'http: { listen: off }\n'],
  ['statistics', 'statistics: { interval: 0 }\n'],
  ['record_socket', 'record_socket: record.sock\n'],
  ['log', 'log: { level: debug }\n'],
])('an app keeps its %s for life', (key, top) => {
  // Where it is not given it is the identity.
  const instance = key === 'instance' ? '' : 'instance: one\n';
  expect(refused({ top: 'instance: one\n' }, { top: top + instance })).toEqual([
    `${key}: cannot be changed ${RESTART}`,
  ]);
});

test('the cluster key may move into a file, and not become another', () => {
  const [, key = ''] = CLUSTER_KEY.trim().split(': ');
  const moved = { change: (text: string) => text.replace(CLUSTER_KEY, 'cluster_key_file: seed.pem\n') };
  expect(refused({}, { ...moved, files: { seed: key } })).toEqual([]);
  expect(refused({}, { ...moved, files: { seed: key.toUpperCase() } })).toEqual([
    `cluster_key_file: cannot be changed ${RESTART}`,
  ]);
});
