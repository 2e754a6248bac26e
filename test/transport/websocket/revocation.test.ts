import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PeerLists } from '../../../src/adapters/kit/peer-lists.ts';
import { SESSION_ENDED } from '../../../src/transport/websocket/places.ts';
import { type ListOptions, revocationList } from '../../support/revocation-list.ts';
import { connectWebClient, refusedUpgrade } from '../../support/web-client.ts';
import { authority, SERVER_TLS, type Stage, startStage } from './world.ts';

const { certificate, privateKey } = authority.issue({ commonName: 'bob', usages: ['client'] });
const asBob = { ca: authority.certificate, cert: certificate, key: privateKey };

let folder: string;
let file: string;
let now: number;
let stage: Stage;

const put = (options: Partial<ListOptions> = {}): void => {
  writeFileSync(`${file}.new`, revocationList({ issuer: authority, ...options }));
  renameSync(`${file}.new`, file);
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-web-'));
  file = join(folder, 'crl.pem');
  put();
  now = Date.now();
  const revocation = new PeerLists({ files: [file], takesExpired: false });
  const tls = { ...SERVER_TLS, clientCa: authority.certificate, revocation };
  stage = await startStage({ tls, tokens: undefined }, () => now);
});

afterEach(async () => {
  await stage.link.close();
  rmSync(folder, { recursive: true });
});

it('a client comes in whose certificate is on no list, and is put out when it is', async () => {
  const client = await connectWebClient(stage.url, asBob);
  put({ revoked: [{ certificate }] });
  await vi.waitFor(() => {
    now += 5_000;
    expect(stage.at(SESSION_ENDED)).toHaveLength(1);
  });
  expect(await client.closed).toEqual({ code: 4401, reason: expect.stringContaining('revoked') });
  await stage.fault('revoked_certificate');
});

it('a client whose certificate is revoked has no session at all', async () => {
  put({ revoked: [{ certificate }] });
  const refused = await vi.waitFor(() => refusedUpgrade(stage.url, asBob));
  expect(refused).toEqual({ status: 401, sentence: expect.stringContaining('revoked') });
  await stage.fault('revoked_certificate');
});

it('a list that cannot be had lets nobody in, and ends nothing that stands', async () => {
  const client = await connectWebClient(stage.url, asBob);
  put({ thisUpdate: new Date(now - 2 * 3_600_000), nextUpdate: new Date(now - 3_600_000) });
  const refused = await vi.waitFor(() => refusedUpgrade(stage.url, asBob));
  expect(refused.status).toBe(401);
  now += 60_000;
  client.socket.ping();
  await new Promise((resolve) => client.socket.once('pong', resolve));
  now += 5_000;
  client.socket.ping();
  await new Promise((resolve) => client.socket.once('pong', resolve));
  expect(stage.at(SESSION_ENDED)).toEqual([]);
});
