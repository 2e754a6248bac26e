import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RevocationStore } from '../../../src/adapters/kit/revocation-store.ts';
import { fileParser } from '../../../src/config/files.ts';
import { DISK, type KeyFiles } from '../../../src/config/key-files.ts';
import { parseCertificates } from '../../../src/pki/certificate.ts';
import { findChains } from '../../../src/pki/chain.ts';
import { makeAuthority } from '../../support/pki.ts';
import { type ListOptions, revocationList } from '../../support/revocation-list.ts';
import { refused } from '../choria/wire/support.ts';
import { type LogLine, recordingLog } from '../world.ts';

const HOUR = 3_600_000;
const NOW = Date.now();
const ca = makeAuthority('a CA with files');
const alice = ca.issue({ commonName: 'alice.mcollective' });
const bob = ca.issue({ commonName: 'bob.mcollective' });

const text = (options: Partial<ListOptions> = {}): string => revocationList({ issuer: ca, ...options });
const revokingAlice = (options: Partial<ListOptions> = {}): string =>
  text({ revoked: [{ certificate: alice.certificate }], ...options });

describe('the revocation lists of an app', () => {
  let folder: string;
  let file: string;
  let lines: LogLine[];
  let reads: string[];
  let store: RevocationStore;

  const put = (content: string | Buffer, to = file): void => {
    writeFileSync(`${to}.new`, content);
    renameSync(`${to}.new`, to);
  };
  const counting: KeyFiles = {
    ...DISK,
    read: (name) => {
      reads.push(name);
      return DISK.read(name);
    },
  };
  const parse = fileParser({ file: 'bridge.yaml', at: () => ({ line: 1, column: 1 }) });
  const open = (files: readonly string[] = [file], takesExpired = false) =>
    store.open({ files, takesExpired }, counting, ['ingresses', 'federation', 'callers', 'crl'], parse);
  const anchors = parseCertificates(ca.certificate, 'it', 1);
  const chainsOf = (pem: string) => {
    const [leaf] = parseCertificates(pem, 'it', 1);
    if (leaf === undefined) throw new Error('no certificate');
    return findChains(leaf, [], anchors);
  };
  const asks =
    (revocation: ReturnType<typeof open>, now = NOW) =>
    (who: { readonly certificate: string } = alice): void =>
      revocation.check(chainsOf(who.certificate), { sent: [], anchors }, now);
  const events = (): readonly unknown[] => lines.map(({ fields }) => fields['event']);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcbridge-lists-'));
    file = join(folder, 'crl.pem');
    lines = [];
    reads = [];
    store = new RevocationStore({ log: recordingLog(lines) });
    put(text());
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are read again when their file has changed, and only then', () => {
    const check = asks(open());
    check();
    const before = reads.length;
    check();
    expect(reads).toHaveLength(before);
    put(revokingAlice());
    refused(() => check(), 'certificate_revoked');
    expect(() => check(bob)).not.toThrow();
    expect(reads).toHaveLength(before + 1);
  });

  it('may stand in several files', () => {
    const root = makeAuthority('a root with files');
    const other = join(folder, 'other.der');
    put(text({ issuer: root }), other);
    put(revokingAlice());
    refused(() => asks(open([other, file]))(), 'certificate_revoked');
  });

  it('that cannot be read at the start are an error at their key', () => {
    put('no list');
    expect(() => open()).toThrow(
      expect.objectContaining({
        problems: [
          expect.objectContaining({
            path: 'ingresses.federation.callers.crl[0]',
            message: expect.stringMatching(/crl\.pem is not what it should be: it holds no revocation list/),
          }),
        ],
      }),
    );
    rmSync(file);
    expect(() => open()).toThrow(/crl\.pem cannot be read: there is no such file/);
  });

  it.each([
    ['is broken', () => put('half a file'), /it holds no revocation list/],
    ['is gone', () => rmSync(file), /there is no such file/],
    ['is a certificate', () => put(ca.certificate), /it is a certificate/],
  ])('go on for as long as they may where the file %s, and that is said once', (_, spoil, why) => {
    put(revokingAlice({ nextUpdate: new Date(NOW + HOUR) }));
    const revocation = open();
    spoil();
    refused(() => asks(revocation)(), 'certificate_revoked');
    expect(() => asks(revocation)(bob)).not.toThrow();
    expect(events()).toEqual(['crl_read', 'crl_unusable']);
    expect(lines[1]?.message).toMatch(why);
    expect(lines[1]?.message).toMatch(/what it held before is used until/);
    for (let again = 0; again < 2; again++)
      refused(() => asks(revocation, NOW + 2 * HOUR)(bob), 'revocation_unknown', why);
    expect(events()).toEqual(['crl_read', 'crl_unusable', 'crl_unusable']);
    expect(lines[2]?.message).toMatch(/its callers are refused/);
    put(text());
    expect(() => asks(revocation)()).not.toThrow();
    expect(events().at(-1)).toBe('crl_read');
  });

  it('that have expired are told of once where they still count', () => {
    put(text({ thisUpdate: new Date(NOW - 2 * HOUR), nextUpdate: new Date(NOW - HOUR) }));
    refused(() => asks(open())(), 'revocation_unknown', /expired at/);
    const check = asks(open([file], true));
    check();
    check(bob);
    expect(events()).toEqual(['crl_read', 'crl_expired']);
  });

  it('say when the next one is due', () => {
    expect(store.nextUpdate(file, DISK)).toBeGreaterThan(NOW);
    expect(store.nextUpdate(join(folder, 'none'), DISK)).toBeUndefined();
  });

  it('may be missing in a replay, where a caller is revoked from the time of the entry', () => {
    const replay = new RevocationStore({ log: recordingLog(lines), isReplay: true });
    const settings = { files: [file], takesExpired: false };
    const revocation = replay.open(settings, DISK, [], parse);
    rmSync(file);
    expect(() => asks(revocation)()).not.toThrow();
    put(revokingAlice());
    refused(() => asks(revocation)(), 'certificate_revoked');
    expect(() => asks(revocation, NOW - 2 * HOUR)()).not.toThrow();
  });
});
