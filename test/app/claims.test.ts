import { expect, test, vi } from 'vitest';
import { createAppClaims } from '../../src/app/claims.ts';
import type { ClaimsSettings } from '../../src/app/sharing.ts';
import type { Log } from '../../src/envelope/log.ts';
import { startNatsServer } from '../support/nats-server.ts';
import { makeAuthority } from '../support/pki.ts';
import { configOf, makeAppWorld } from './world.ts';

const nothing = (): void => undefined;
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const USED = { log, isUsed: () => true };
const authority = makeAuthority('claims');
const [one, other] = [authority.issue({ commonName: 'one' }), authority.issue({ commonName: 'other' })];

const settings = (cert: string, key: string): ClaimsSettings => ({
  connection: {
    servers: ['tls://claims.example.net:4222'],
    name: 'mcbridge',
    tls: { ca: authority.certificate, cert, key, verify: true },
  },
  bucket: { cluster: 'production', maxAge: 720_000, maxBytes: 1_000_000, replicas: 1 },
});

test('claims do not take another connection whose certificate is not that of its key', () => {
  const { fault } = createAppClaims({ ...USED, made: settings(one.certificate, one.privateKey) });
  expect(fault(settings(other.certificate, one.privateKey), Date.now())).toMatch(/claims: .*key/);
  expect(fault(settings(other.certificate, other.privateKey), Date.now())).toBeUndefined();
});

test('what is not another is not asked: it is in use', () => {
  const unfit = settings(other.certificate, one.privateKey);
  expect(createAppClaims({ ...USED, made: unfit }).fault(unfit, Date.now())).toBeUndefined();
});

/** An app whose section `claims` leads to nobody. */
const withRule = (rule: string) =>
  configOf({
    change: (text) =>
      `${text
        .replaceAll(/^( {4}identities: .*)$/gm, '$1\n    policy: ops')
        .replace(
          'broadcast_queue:',
          'share: queue\n    broadcast_queue:',
        )}policies: { ops: { rules: [{ verdict: allow${rule} }] } }\nclaims: { servers: [nats://127.0.0.1:1], insecure_plaintext: true }\n`,
  });

test('claims are connected, and a trouble, only while a policy counts nodes by them, also after a reload', async () => {
  const world = await makeAppWorld();
  const app = world.app(withRule(''));
  await app.start();
  const told = () => world.log.filter(({ fields }) => fields['event'] === 'claims_away');
  const state = () => ({ ...app.status().health, claims: app.document().claims });
  expect(state()).toMatchObject({ ready: true, troubles: [], claims: null });
  await app.apply(withRule(', max_nodes: 5, shadow: true'));
  expect(state()).toMatchObject({ ready: true, troubles: [], claims: null });
  expect(told()).toEqual([]);
  await app.apply(withRule(', max_nodes: 5'));
  await vi.waitFor(() => expect(told()).toHaveLength(1));
  expect(state()).toMatchObject({ ready: false, troubles: [{ name: 'claims' }], claims: { up: false } });
  await app.apply(withRule(''));
  expect(state()).toMatchObject({ ready: true, troubles: [], claims: null });
  await app.stop();
});

test('claims that nobody has opened yet go by the last connection that they were given', async () => {
  const nats = await startNatsServer({ jetstream: true });
  const made = settings(one.certificate, one.privateKey);
  let used = false;
  const { claims, follow } = createAppClaims({ log, made, isUsed: () => used });
  const next = { ...made, connection: { servers: [nats.url], name: 'mcbridge' } };
  follow(next);
  used = true;
  follow(next);
  await claims?.opened(60_000);
  expect(claims?.state()).toEqual({ up: true });
  await claims?.close();
  await nats.stop();
});
