import { describe, expect, it } from 'vitest';
import { parseCertificates } from '../../src/pki/certificate.ts';
import { checkDates, findChains } from '../../src/pki/chain.ts';
import { byIssuer, checkRevocation, upToRoot } from '../../src/pki/revocation.ts';
import { parseRevocationLists } from '../../src/pki/revocation-list.ts';
import { refused } from '../adapters/choria/wire/support.ts';
import { makeAuthority } from '../support/pki.ts';
import { der, issuingPoint, type ListOptions, revocationList } from '../support/revocation-list.ts';

const NOW = Date.now();
const HOUR = 3_600_000;
const root = makeAuthority('Puppet Root CA: puppet.example.net');
const ca = root.intermediate('Puppet CA: puppet.example.net');
const alice = ca.issue({ commonName: 'alice.mcollective' });

const certificates = (pem: string) => parseCertificates(pem, 'it', 10);
const ofRoot = (options: Partial<ListOptions> = {}): string => revocationList({ issuer: root, ...options });
const ofCa = (options: Partial<ListOptions> = {}): string => revocationList({ issuer: ca, ...options });
const ago = (hours: number): Date => new Date(NOW - hours * HOUR);

interface Case {
  readonly lists: string;
  /** The configured CAs, PEM; both unless given. */
  readonly anchors?: string;
  readonly takesExpired?: boolean;
  readonly isReplay?: boolean;
  readonly now?: number;
}

const check = ({ lists, anchors: pem, takesExpired = false, isReplay = false, now = NOW }: Case) => {
  const [leaf, ...sent] = certificates(alice.chain);
  if (leaf === undefined) throw new Error('no certificate');
  const anchors = certificates(pem ?? ca.certificate + root.certificate);
  const chains = checkDates(findChains(leaf, sent, anchors), NOW).map((chain) => upToRoot(chain, anchors));
  const found = parseRevocationLists(Buffer.from(lists));
  return checkRevocation(
    chains,
    { lists: byIssuer(found), called: 'crl.pem', takesExpired, isReplay },
    { sent, anchors },
    now,
  );
};

describe('whether a certificate is revoked', () => {
  it('is told by the lists of its CA and of the root above', () => {
    expect(check({ lists: ofCa() + ofRoot() }).size).toBe(0);
  });

  it('is yes where its CA says so', () => {
    const lists = ofCa({ revoked: [{ certificate: alice.certificate, date: ago(2), reason: 4 }] }) + ofRoot();
    refused(
      () => check({ lists }),
      'certificate_revoked',
      /^the certificate of alice\.mcollective was revoked at .* by "Puppet CA: puppet\.example\.net": another one has replaced it$/,
    );
  });

  it.each([
    ['with both CAs configured', ca.certificate + root.certificate],
    ['with the root configured alone', root.certificate],
  ])('is yes where the root has revoked its CA, %s', (_, anchors) => {
    const lists = ofCa() + ofRoot({ revoked: [{ certificate: ca.certificate }] });
    refused(() => check({ lists, anchors }), 'certificate_revoked', /of "Puppet CA: .* by "Puppet Root CA/);
  });

  it('is not asked of a CA that is configured without the one above', () => {
    expect(() => check({ lists: ofCa(), anchors: ca.certificate })).not.toThrow();
  });

  it.each([
    ['its CA', ofRoot(), /alice.* crl\.pem holds no revocation list of "Puppet CA/],
    ['the root', ofCa(), /of "Puppet CA.* crl\.pem holds no revocation list of "Puppet Root CA/],
  ])('is not known without a list of %s', (_, lists, sentence) => {
    refused(() => check({ lists }), 'revocation_unknown', sentence);
  });

  it('is not known by a list that another key has signed', () => {
    const lists = ofCa({ signWith: makeAuthority('x').privateKey }) + ofRoot();
    refused(() => check({ lists }), 'revocation_unknown', /is not signed by it/);
  });

  it('is not known by a list that has expired, unless it may', () => {
    const lists = ofCa({ thisUpdate: ago(3), nextUpdate: ago(1) }) + ofRoot();
    refused(() => check({ lists }), 'revocation_unknown', /of "Puppet CA.* in crl\.pem expired at/);
    expect(check({ lists, takesExpired: true }).size).toBe(1);
  });

  it('is yes by a list that has expired, whatever it may', () => {
    const old = { thisUpdate: ago(3), nextUpdate: ago(1), revoked: [{ certificate: alice.certificate }] };
    for (const takesExpired of [true, false])
      refused(() => check({ lists: ofCa(old) + ofRoot(), takesExpired }), 'certificate_revoked');
  });

  it('is not known by a list from the future, but for a clock that is a little ahead', () => {
    const ahead = (minutes: number): string => ofCa({ thisUpdate: ago(-minutes / 60) }) + ofRoot();
    expect(() => check({ lists: ahead(4) })).not.toThrow();
    refused(() => check({ lists: ahead(6), takesExpired: true }), 'revocation_unknown', /not valid before/);
  });

  it('is told by the newest list', () => {
    const older = ofCa({ thisUpdate: ago(2), revoked: [{ certificate: alice.certificate }] });
    const newer = ofCa({ thisUpdate: ago(1) });
    expect(() => check({ lists: older + newer + ofRoot() })).not.toThrow();
    expect(() => check({ lists: newer + older + ofRoot() })).not.toThrow();
  });

  it('is told by a list for such certificates only', () => {
    const only = (tag: number) => ({ extensions: [issuingPoint(der(tag, Buffer.from([0xff])))] });
    expect(() => check({ lists: ofCa(only(0x81)) + ofRoot(only(0x82)) })).not.toThrow();
    refused(
      () => check({ lists: ofCa(only(0x82)) + ofRoot() }),
      'revocation_unknown',
      /no revocation list of "Puppet CA/,
    );
    refused(
      () => check({ lists: ofCa() + ofRoot(only(0x81)) }),
      'revocation_unknown',
      /no revocation list of "Puppet Root CA/,
    );
  });

  it('is told in a replay by the dates of the entries alone', () => {
    const lists = ofCa({
      thisUpdate: ago(1),
      nextUpdate: ago(-1),
      revoked: [{ certificate: alice.certificate, date: ago(2) }],
    });
    refused(() => check({ lists, isReplay: true }), 'certificate_revoked');
    expect(() => check({ lists, isReplay: true, now: NOW - 3 * HOUR })).not.toThrow();
  });
});
