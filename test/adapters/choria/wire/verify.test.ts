import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type SecureRequest, signSecureRequest } from '../../../../src/adapters/choria/wire/secure.ts';
import {
  type CallerVerifierOptions,
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
} from '../../../../src/adapters/choria/wire/verify.ts';
import { oddCertificate } from '../../../pki/odd-certificate.ts';
import { keyPair, makeAuthority } from '../../../support/pki.ts';
import { refused } from './support.ts';

const HOUR = 3_600_000;
const now = Date.now();
const message = '{"protocol":"choria:request:1"}';

const ca = makeAuthority('Lab CA');
const alice = ca.issue({ commonName: 'alice.mcollective' });

interface Signer {
  readonly privateKey: string;
  readonly certificate: string;
}

const sign = (signer: Signer, pubcert = signer.certificate): SecureRequest =>
  signSecureRequest(message, createPrivateKey(signer.privateKey), pubcert);

const verifier = (options: Partial<CallerVerifierOptions> = {}) =>
  createCallerVerifier({
    ca: ca.certificate,
    allow: DEFAULT_ALLOW,
    privileged: DEFAULT_PRIVILEGED,
    ...options,
  });

describe('a caller', () => {
  it('is whom the common name says', () => {
    expect(verifier().verify(sign(alice), 'choria=alice.mcollective', now)).toEqual({
      name: 'alice.mcollective',
      privileged: false,
      certificate: 'alice.mcollective',
    });
  });

  it('is whom a DNS name says', () => {
    const signer = ca.issue({ commonName: 'host1', dnsNames: ['x.example.net', 'bob.mcollective'] });
    expect(verifier().verify(sign(signer), 'choria=bob.mcollective', now).name).toBe('bob.mcollective');
  });

  it('may break the lines of the signature as Ruby does', () => {
    const wrapped = signSecureRequest(
      message,
      createPrivateKey(alice.privateKey),
      alice.certificate,
      'wrapped',
    );
    expect(verifier().verify(wrapped, 'choria=alice.mcollective', now).name).toBe('alice.mcollective');
  });

  it('is refused as another whom the certificate does not name', () => {
    const signer = ca.issue({
      commonName: 'carol.mcollective',
      emails: ['alice.mcollective'],
      dnsNames: ['x, DNS:alice.mcollective', '*.mcollective', 'malice.mcollective'],
    });
    refused(
      () => verifier().verify(sign(signer), 'choria=alice.mcollective', now),
      'caller_mismatch',
      /claims to be by alice.mcollective, but its certificate is that of carol.mcollective/,
    );
  });

  it('is refused when the list of callers does not name it', () => {
    const signer = ca.issue({ commonName: 'c1.example.net' });
    refused(
      () => verifier().verify(sign(signer), 'choria=c1.example.net', now),
      'caller_not_allowed',
      /c1.example.net/,
    );
    refused(
      () => verifier({ allow: [] }).verify(sign(alice), 'choria=alice.mcollective', now),
      'caller_not_allowed',
    );
  });

  it('is judged anew each time, even by a pattern that remembers', () => {
    const sticky = verifier({ allow: [/\.mcollective$/g] });
    for (let i = 0; i < 3; i++) sticky.verify(sign(alice), 'choria=alice.mcollective', now);
  });

  it.each([
    'choria=',
    'choria=../alice.mcollective',
    'choria=a/alice.mcollective',
    'choria=..',
    'choria=alice.mcollective\n',
    'x\nchoria=alice.mcollective',
    'Cert=alice.mcollective',
    'up2=alice.mcollective',
    'choria=alice.mcollective junk',
  ])('is refused as %j', (callerId) => {
    refused(() => verifier().verify(sign(alice), callerId, now), 'invalid_callerid');
  });
});

describe('a privileged certificate', () => {
  const fed = ca.issue({ commonName: 'fed.privileged.mcollective' });

  it('may speak for any caller, allowed or not', () => {
    expect(verifier().verify(sign(fed), 'choria=anybody.at.all', now)).toEqual({
      name: 'anybody.at.all',
      privileged: true,
      certificate: 'fed.privileged.mcollective',
    });
  });

  it('must still be signed by the CA, and sign', () => {
    const other = makeAuthority('Other CA').issue({ commonName: 'fed.privileged.mcollective' });
    refused(() => verifier().verify(sign(other), 'choria=alice', now), 'untrusted_certificate');
    const request = { ...sign(fed), message: 'other' };
    refused(() => verifier().verify(request, 'choria=alice', now), 'invalid_signature');
  });

  it('does not make a callerid with path characters good', () => {
    refused(() => verifier().verify(sign(fed), 'choria=../x', now), 'invalid_callerid');
  });
});

describe('a signature', () => {
  const check = (request: SecureRequest) => () => verifier().verify(request, 'choria=alice.mcollective', now);

  it('must be over that message', () => {
    refused(check({ ...sign(alice), message: `${message} ` }), 'invalid_signature', /alice.mcollective/);
  });

  it('must be by the key of the certificate', () => {
    const stolen = sign(ca.issue({ commonName: 'mallory.mcollective' }), alice.certificate);
    refused(check(stolen), 'invalid_signature');
    refused(check({ ...sign(alice), signature: '' }), 'invalid_signature');
  });

  it('must be base64', () => {
    refused(check({ ...sign(alice), signature: 'no base64!' }), 'malformed_base64', /signature/);
  });

  it('must be one: insecure builds are refused', () => {
    refused(check({ ...sign(alice), signature: 'insecure' }), 'invalid_signature', /insecure/);
    const registration = Buffer.from('insecure registration').toString('base64');
    refused(
      check({ message, signature: registration, pubcert: 'insecure registration' }),
      'invalid_signature',
      /insecure/,
    );
  });

  it('is checked on every use of a certificate that is remembered', () => {
    const one = verifier();
    one.verify(sign(alice), 'choria=alice.mcollective', now);
    const forged = { ...sign(alice), message: 'other' };
    refused(() => one.verify(forged, 'choria=alice.mcollective', now), 'invalid_signature');
    refused(() => one.verify(sign(alice), 'choria=bob.mcollective', now), 'caller_mismatch');
  });
});

describe('a certificate', () => {
  const check =
    (signer: Signer, at = now, pubcert?: string) =>
    () =>
      verifier().verify(sign(signer, pubcert), 'choria=alice.mcollective', at);
  const issue = (options: Parameters<typeof ca.issue>[0]) =>
    ca.issue({ commonName: 'alice.mcollective', ...options });

  it('must come from the configured CA', () => {
    const other = makeAuthority('Other CA').issue({ commonName: 'alice.mcollective' });
    refused(check(other), 'untrusted_certificate', /Other CA.* none of the configured CAs/);
  });

  it('must come from its key, not only from its name', () => {
    const impostor = makeAuthority('Lab CA', { keys: keyPair('impostor') });
    const forged = impostor.issue({ commonName: 'alice.mcollective' });
    refused(check(forged), 'untrusted_certificate');
    refused(check(forged, now, forged.certificate + impostor.certificate), 'untrusted_certificate');
  });

  it('must not have expired', () => {
    const old = issue({ notAfter: new Date(now - HOUR / 2) });
    refused(check(old), 'certificate_expired', /alice.mcollective expired at 20/);
    check(old, now - HOUR * 0.75)();
  });

  it('must be valid already', () => {
    const early = issue({ notBefore: new Date(now + HOUR) });
    refused(check(early), 'certificate_expired', /not valid before/);
    check(early, now + 2 * HOUR)();
  });

  it('is remembered, but not beyond its time', () => {
    const soon = issue({ notAfter: new Date(now + HOUR) });
    const one = verifier();
    one.verify(sign(soon), 'choria=alice.mcollective', now);
    refused(() => one.verify(sign(soon), 'choria=alice.mcollective', now + 2 * HOUR), 'certificate_expired');
  });

  it('must be one for clients, or for nothing in particular', () => {
    refused(check(issue({ usages: ['server'] })), 'certificate_usage', /not one for clients/);
    check(issue({ usages: [] }))();
    check(issue({ usages: ['client'] }))();
  });

  it('must be there and readable', () => {
    refused(check(alice, now, ''), 'untrusted_certificate', /no PEM certificate/);
    refused(check(alice, now, alice.publicKey), 'untrusted_certificate', /no PEM certificate/);
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    refused(check(alice, now, broken), 'untrusted_certificate', /not a valid certificate/);
    refused(check(alice, now, '-----BEGIN CERTIFICATE-----\n'), 'untrusted_certificate', /no end/);
    refused(check(alice, now, alice.certificate.repeat(9)), 'untrusted_certificate', /more than 8/);
    refused(check(alice, now, alice.certificate + ' '.repeat(70_000)), 'untrusted_certificate', /too large/);
  });

  it('must have an RSA key of 2048 bits or more', () => {
    const short = ca.issue({ commonName: 'alice.mcollective', keys: keyPair('short', 1024) });
    refused(check(short), 'untrusted_certificate', /2048 bits/);
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const elliptic = oddCertificate({ issuer: ca, commonNames: ['alice.mcollective'], spki });
    const request = signSecureRequest(message, privateKey, elliptic.certificate);
    refused(
      () => verifier().verify(request, 'choria=alice.mcollective', now),
      'untrusted_certificate',
      /is no RSA key/,
    );
  });

  it('may be remembered by a cache of any size', () => {
    const bob = ca.issue({ commonName: 'bob.mcollective' });
    const one = verifier({ cacheSize: 1 });
    for (let i = 0; i < 3; i++) {
      expect(one.verify(sign(alice), 'choria=alice.mcollective', now).name).toBe('alice.mcollective');
      expect(one.verify(sign(bob), 'choria=bob.mcollective', now).name).toBe('bob.mcollective');
      refused(() => one.verify(sign(bob), 'choria=alice.mcollective', now), 'caller_mismatch');
    }
  });
});

describe('the configured CA', () => {
  it('must be a CA', () => {
    refused(() => verifier({ ca: 'nothing' }), 'untrusted_certificate', /configured CA.*no PEM certificate/);
    refused(
      () => verifier({ ca: alice.certificate }),
      'untrusted_certificate',
      /alice.mcollective is not a CA/,
    );
  });

  it('may be several', () => {
    const other = makeAuthority('Other CA');
    const both = verifier({ ca: other.certificate + ca.certificate });
    const bob = other.issue({ commonName: 'bob.mcollective' });
    expect(both.verify(sign(alice), 'choria=alice.mcollective', now).name).toBe('alice.mcollective');
    expect(both.verify(sign(bob), 'choria=bob.mcollective', now).name).toBe('bob.mcollective');
  });

  it('may have expired where its renewal is configured too', () => {
    const renewed = makeAuthority('Lab CA', { notAfter: new Date(now - HOUR / 2) });
    expect(renewed.privateKey).toBe(ca.privateKey);
    const both = verifier({ ca: renewed.certificate + ca.certificate });
    expect(both.verify(sign(alice), 'choria=alice.mcollective', now).name).toBe('alice.mcollective');
    const old = verifier({ ca: renewed.certificate });
    refused(() => old.verify(sign(alice), 'choria=alice.mcollective', now), 'certificate_expired', /expired/);
  });
});
