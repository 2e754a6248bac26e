import { describe, expect, test } from 'vitest';
import { formatPath } from '../../src/config/problem.ts';
import { ingressesFirst, pathOf } from '../../src/setup/sides.ts';
import { CLUSTER_KEY, legacyToChoria, load, MINIMAL, minimalWith } from '../config/sample.ts';

/** What each side says of its keys: cassettes' name of the setting, file, and what they are for. */
const keysOf = (text: string): readonly string[] =>
  ingressesFirst(load(text, {}, '/b/bridge.yaml').config).flatMap((side) =>
    side.adapter.keys().map((it) => {
      const holds = it.kind === 'folder' ? ` of ${it.holds}` : '';
      return `${formatPath([...pathOf(side), ...it.setting])} ${it.path}: ${it.kind}${holds} to ${it.use} ${it.messages}`;
    }),
  );

const SIDE = `    type: choria-collective
    servers: [nats://nats2.example.net:4222]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
`;

const choriaEgress = (signing: string): string => `${CLUSTER_KEY}ingresses:
  federation:
    type: choria-federation
    servers: [nats://nats1.example.net:4222]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
    callers: { ca: callers.pem }
egresses:
  choria:
${SIDE}${signing}routes:
  - { from: federation, to: choria, collectives: [mcollective] }
`;

describe('the keys of a side', () => {
  test('are the CA of Choria callers, also where it is that of the connection', () => {
    const ca = 'ingresses.federation.callers.ca';
    expect(keysOf(MINIMAL)[0]).toBe(`${ca} /b/ca.pem: ca to verify requests`);
    expect(keysOf(choriaEgress(''))).toEqual([`${ca} /b/callers.pem: ca to verify requests`]);
  });

  test('are named by the setting that stands in the file', () => {
    const at = (text: string) =>
      ingressesFirst(load(text).config).flatMap(({ adapter }) =>
        adapter.keys().map((it) => formatPath(it.at)),
      );
    expect(at(MINIMAL)).toEqual(['tls.ca', 'signing.keys_dir', 'server_public_key']);
    expect(at(choriaEgress(''))).toEqual(['callers.ca']);
  });

  test('are what signs for legacy callers, and the public keys of daemons, which are counted where they are several', () => {
    expect(keysOf(MINIMAL).slice(1)).toEqual([
      'egresses.legacy.signing.keys_dir /b/keys: folder of private to sign requests',
      'egresses.legacy.server_public_key /b/server.pem: public to verify replies',
    ]);
    const several = minimalWith('server_public_key: server.pem', 'server_public_key: [old.pem, new.pem]');
    const shared = several.replace(
      '{ keys_dir: keys }',
      '{ callerid: cert=bridge, private_key: bridge.pem }',
    );
    expect(keysOf(shared).slice(1)).toEqual([
      'egresses.legacy.signing.private_key /b/bridge.pem: private to sign requests',
      'egresses.legacy.server_public_key[0] /b/old.pem: public to verify replies',
      'egresses.legacy.server_public_key[1] /b/new.pem: public to verify replies',
    ]);
  });

  test('are what signs towards Choria: the own certificate first, then those of callers', () => {
    const signing = '    signing: { certs_dir: certs, cert: own.pem, key: own.key }\n';
    expect(keysOf(choriaEgress(signing)).slice(1)).toEqual([
      'egresses.choria.signing.cert /b/own.pem: cert to sign requests',
      'egresses.choria.signing.certs_dir /b/certs: folder of certificates to sign requests',
    ]);
  });

  test("are the public keys of legacy callers, and the daemons' key", () => {
    const keys = keysOf(legacyToChoria()).filter((it) => it.startsWith('ingresses.'));
    expect(keys.map((it) => it.replace(/^ingresses\.[^.]+\./, ''))).toEqual([
      expect.stringMatching(/^callers\.keys_dir \/\S+: folder of public to verify requests$/),
      expect.stringMatching(/^server_private_key \/\S+: private to sign replies$/),
    ]);
  });
});

test('a folder of keys says whose file is whose', () => {
  const nameOf = (text: string, caller: string): readonly unknown[] =>
    ingressesFirst(load(text).config).flatMap(({ adapter }) =>
      adapter.keys().flatMap((it) => (it.kind === 'folder' ? [it.nameOf(caller)] : [])),
    );
  expect(nameOf(MINIMAL, 'cert=alice')).toEqual(['alice']);
  expect(nameOf(MINIMAL, 'choria=alice')).toEqual([undefined]);
  expect(nameOf(MINIMAL, 'cert=../alice')).toEqual([undefined]);
  expect(nameOf(choriaEgress('    signing: { certs_dir: certs }\n'), 'choria=alice.mcollective')).toEqual([
    'alice.mcollective',
  ]);
});
