import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signSecureRequest } from '../../src/adapters/choria/wire/secure.ts';
import {
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
} from '../../src/adapters/choria/wire/verify.ts';
import { certificateNames } from '../../src/pki/certificate.ts';
import { refused } from '../adapters/choria/wire/support.ts';
import { keyPair, makeAuthority } from '../support/pki.ts';
import { caExtensions, type OddCertificate, oddCertificate } from './odd-certificate.ts';

const now = Date.now();
const root = makeAuthority('Root CA');
const middle = root.intermediate('Middle CA');
const lower = middle.intermediate('Lower CA');
const caller = 'odd.mcollective';

const verify = (signer: { privateKey: string }, pubcert: string, ca = root.certificate) => {
  const verifier = createCallerVerifier({ ca, allow: DEFAULT_ALLOW, privileged: DEFAULT_PRIVILEGED });
  const request = signSecureRequest('m', createPrivateKey(signer.privateKey), pubcert);
  return verifier.verify(request, `choria=${caller}`, now);
};

/** A caller's certificate by an odd issuer that stands between it and the root. */
const below = (issuer: Omit<OddCertificate, 'issuer'>, above = root) => {
  const odd = oddCertificate({
    commonNames: ['Odd CA'],
    keys: keyPair('odd-ca'),
    extensions: caExtensions(),
    ...issuer,
    issuer: above,
  });
  const leaf = oddCertificate({ issuer: odd });
  return { ...leaf, pubcert: leaf.certificate + odd.certificate };
};

describe('a chain of certificates', () => {
  it('leads over the intermediates that the caller sends, in any order', () => {
    const leaf = lower.issue({ commonName: caller });
    expect(verify(leaf, leaf.chain).name).toBe(caller);
    expect(verify(leaf, leaf.certificate + middle.certificate + lower.certificate).name).toBe(caller);
    expect(verify(leaf, leaf.chain + root.certificate).name).toBe(caller);
  });

  it('may end at an intermediate that is configured', () => {
    const leaf = lower.issue({ commonName: caller });
    expect(verify(leaf, leaf.certificate, lower.certificate).name).toBe(caller);
  });

  it('is not trusted with a link missing', () => {
    const leaf = lower.issue({ commonName: caller });
    refused(() => verify(leaf, leaf.certificate), 'untrusted_certificate', /Lower CA/);
    refused(() => verify(leaf, leaf.certificate + lower.certificate), 'untrusted_certificate');
  });

  it('is not trusted over an intermediate that is no CA', () => {
    const notCa = root.issue({ commonName: 'eve.mcollective' });
    const leaf = oddCertificate({ issuer: notCa });
    refused(
      () => verify(leaf, leaf.certificate + notCa.certificate),
      'untrusted_certificate',
      /eve.mcollective is not a CA/,
    );
    const withoutConstraints = below({ extensions: [] });
    refused(
      () => verify(withoutConstraints, withoutConstraints.pubcert),
      'untrusted_certificate',
      /not a CA/,
    );
    const mayNotSign = below({
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
      ],
    });
    refused(() => verify(mayNotSign, mayNotSign.pubcert), 'untrusted_certificate');
  });

  it('is trusted over an odd issuer that is a CA all the same', () => {
    const fine = below({});
    expect(verify(fine, fine.pubcert).name).toBe(caller);
  });

  it('is not trusted where a CA has more CAs below it than it may', () => {
    const short = oddCertificate({
      commonNames: ['Short CA'],
      issuer: root,
      keys: keyPair('short-ca'),
      extensions: caExtensions(0),
    });
    const direct = oddCertificate({ issuer: short });
    expect(verify(direct, direct.certificate + short.certificate).name).toBe(caller);
    const sub = oddCertificate({
      commonNames: ['Sub CA'],
      issuer: short,
      keys: keyPair('sub-ca'),
      extensions: caExtensions(),
    });
    const leaf = oddCertificate({ issuer: sub });
    refused(
      () => verify(leaf, leaf.certificate + sub.certificate + short.certificate),
      'untrusted_certificate',
      /that many CAs/,
    );
  });

  it('is not trusted where a CA is for other usages, weak, or signed weakly', () => {
    const server = below({ extensions: [...caExtensions(), { name: 'extKeyUsage', serverAuth: true }] });
    refused(() => verify(server, server.pubcert), 'untrusted_certificate', /may not issue/);
    const weak = below({ keys: keyPair('weak-ca', 1024) });
    refused(() => verify(weak, weak.pubcert), 'untrusted_certificate', /too short/);
    for (const digest of ['sha1', 'md5'] as const) {
      const leaf = oddCertificate({ issuer: root, digest });
      refused(() => verify(leaf, leaf.certificate), 'untrusted_certificate', /not signed with SHA-256/);
    }
  });

  it('is not trusted with extensions that must be understood and are not', () => {
    const nameConstraints = { id: '2.5.29.30', critical: false, value: '\u0030\u0000' };
    const constrained = below({ extensions: [...caExtensions(), nameConstraints] });
    refused(() => verify(constrained, constrained.pubcert), 'untrusted_certificate', /not supported/);
    const unknown = { id: '1.2.3.4', critical: true, value: '\u0005\u0000' };
    const leaf = oddCertificate({ issuer: root, extensions: [unknown] });
    refused(() => verify(leaf, leaf.certificate), 'untrusted_certificate', /not supported/);
    const escapeControls = oddCertificate({ issuer: root, extensions: [{ ...unknown, critical: false }] });
    expect(verify(escapeControls, escapeControls.certificate).name).toBe(caller);
  });
});

describe("a certificate's names", () => {
  it('are the common name and the DNS names', () => {
    const { certificate } = root.issue({
      commonName: 'a.example.net',
      dnsNames: ['b.example.net', 'c'],
      emails: ['e@x', 'mail'],
      ipAddresses: ['127.0.0.1'],
    });
    expect(certificateNames(certificate)).toEqual(['a.example.net', 'b.example.net', 'c']);
  });

  it('are none that only look like several, or that have odd characters', () => {
    const { certificate } = root.issue({
      commonName: 'x\nCN=fed.privileged.mcollective',
      dnsNames: ['a, DNS:b.mcollective', 'ok.mcollective', '*.mcollective'],
    });
    expect(certificateNames(certificate)).toEqual(['ok.mcollective']);
  });

  it('are refused where there are two common names', () => {
    const two = oddCertificate({ issuer: root, commonNames: [caller, 'fed.privileged.mcollective'] });
    refused(() => certificateNames(two.certificate), 'untrusted_certificate', /more than one common name/);
    expect(certificateNames(oddCertificate({ issuer: root, commonNames: [] }).certificate)).toEqual([]);
  });
});
