import { describe, expect, test } from 'vitest';
import { Certificates, CertificateWarnings } from '../../../src/app/files/certificates.ts';
import { FilesInForce } from '../../../src/app/files/in-force.ts';
import { memoryFiles } from '../../../src/config/key-files.ts';
import { type LogLine, recordingLog } from '../../adapters/world.ts';
import { makeAuthority } from '../../support/pki.ts';
import { configOf } from '../world.ts';

const DAY = 24 * 3600 * 1000;
const NOW = Date.UTC(2030, 0, 1);
const until = (days: number) => ({ notBefore: new Date(NOW - DAY), notAfter: new Date(NOW + days * DAY) });

test('each file has the end of the certificate that ends first', () => {
  const ca = makeAuthority('ends ca', until(100));
  const later = makeAuthority('ends later ca', until(200));
  const { certificate } = ca.issue({ commonName: 'bridge', ...until(20) });
  const keys = memoryFiles(
    new Map([
      ['/ca.pem', later.certificate + ca.certificate],
      ['/cert.pem', certificate],
      ['/password', 'no certificate'],
    ]),
  );
  const files = new FilesInForce(keys);
  const { read, commit } = files.begin({ file: 'bridge.yaml', at: () => ({ line: 1, column: 1 }) });
  read('/ca.pem', ['ingresses', 'federation', 'tls', 'ca']);
  read('/cert.pem', ['ingresses', 'federation', 'tls', 'cert']);
  read('/password', ['egresses', 'legacy', 'password_file']);
  read('/ca.pem', ['claims', 'tls', 'ca']);
  commit();
  const certificates = new Certificates(files, keys);
  expect(certificates.all(configOf().config)).toEqual([
    { link: 'federation', file: '/ca.pem', ends: NOW + 100 * DAY },
    { link: 'federation', file: '/cert.pem', ends: NOW + 20 * DAY },
    { link: 'claims', file: '/ca.pem', ends: NOW + 100 * DAY },
  ]);
  expect(certificates.endOf('ingresses.federation')).toBe(NOW + 20 * DAY);
  expect(certificates.endOf('egresses.legacy')).toBe(Number.POSITIVE_INFINITY);
});

describe('a warning', () => {
  const told = () => {
    const log: LogLine[] = [];
    const warnings = new CertificateWarnings(recordingLog(log));
    const certificate = { link: 'legacy', file: '/cert.pem', ends: NOW };
    return {
      look: (days: number, ends = NOW) => warnings.look([{ ...certificate, ends }], NOW - days * DAY),
      events: () => log.map(({ level, fields }) => `${level} ${fields['event']}`),
    };
  };

  test('comes 30, 7 and 1 days before the end, and at the end, each once', () => {
    const { look, events } = told();
    for (const days of [31, 30.1]) look(days);
    expect(events()).toEqual([]);
    for (const days of [30, 29, 8]) look(days);
    expect(events()).toEqual(['warn certificate_expires']);
    for (const days of [7, 6, 1.1]) look(days);
    expect(events()).toHaveLength(2);
    for (const days of [1, 0.5]) look(days);
    expect(events()).toHaveLength(3);
    for (const days of [0, -1, -40]) look(days);
    expect(events().slice(2)).toEqual(['warn certificate_expires', 'error certificate_expired']);
  });

  test('comes once for one that is late already, and anew for a new certificate', () => {
    const { look, events } = told();
    look(5);
    look(5);
    expect(events()).toHaveLength(1);
    look(5, NOW + 365 * DAY);
    expect(events()).toHaveLength(1);
    look(-364, NOW + 365 * DAY);
    expect(events()).toHaveLength(2);
  });
});
