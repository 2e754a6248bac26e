import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseCertificates } from '../../src/pki/certificate.ts';
import { parseRevocationLists } from '../../src/pki/revocation-list.ts';
import { makeRevocationList } from '../../src/pki/revocation-writer.ts';
import { makeAuthority } from '../support/pki.ts';

const DATES = { thisUpdate: Date.UTC(1990, 0), nextUpdate: Date.UTC(2049, 0) };
const ca = makeAuthority('a CA that writes lists');
const authority = {
  certificate: ca.certificate,
  keys: { privateKey: ca.privateKey, publicKey: ca.publicKey },
};
const certificates = Array.from({ length: 20 }, (_, n) => ca.issue({ commonName: `caller${n}` }).certificate);
const serialOf = (pem: string): string => parseCertificates(pem, 'it')[0]?.serialId ?? '';

test.for([0, 1, 20])('a list of %i certificates is read as it was written', (count) => {
  const date = Date.UTC(2026, 5, 1, 12);
  const revoked = certificates.slice(0, count).map((certificate) => ({ certificate, date }));
  const text = makeRevocationList(authority, revoked, DATES);
  const [list] = parseRevocationLists(Buffer.from(text));
  const [issuer] = parseCertificates(ca.certificate, 'it');
  if (list === undefined || issuer === undefined) throw new Error('there is none');
  expect(list).toMatchObject({ ...DATES, size: count });
  expect(list.isSignedBy(issuer)).toBe(true);
  expect(certificates.map((one) => list.find(serialOf(one))?.date)).toEqual(
    certificates.map((_, n) => (n < count ? date : undefined)),
  );
});

test('OpenSSL reads it too', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-lists-'));
  const at = (name: string): string => join(folder, name);
  const revoked = certificates.map((certificate) => ({ certificate, date: Date.now() }));
  writeFileSync(at('crl.pem'), makeRevocationList(authority, revoked, DATES));
  writeFileSync(at('ca.pem'), ca.certificate);
  const args = ['crl', '-in', at('crl.pem'), '-CAfile', at('ca.pem'), '-noout', '-text'];
  const text = execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  expect(text.match(/Serial Number:/g)).toHaveLength(20);
  rmSync(folder, { recursive: true });
});
