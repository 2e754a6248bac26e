import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  X509Certificate,
} from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { signSecureRequest } from '../../src/adapters/choria/wire/secure.ts';
import {
  createCallerVerifier,
  DEFAULT_ALLOW,
  DEFAULT_PRIVILEGED,
} from '../../src/adapters/choria/wire/verify.ts';
import { refused } from '../adapters/choria/wire/support.ts';
import { keyPair, makeAuthority, makeKeyPair } from '../support/pki.ts';
import {
  caExtensions,
  der,
  nothing,
  type OddCertificate,
  oddCertificate,
  oddNumber,
  oid,
  rsaSpki,
  sequence,
} from './odd-certificate.ts';

const now = Date.now();
const root = makeAuthority('Root CA');
const stranger = makeAuthority('Root CA', { keys: keyPair('stranger') });
const caller = 'odd.mcollective';

const verifierOf = (ca: string) =>
  createCallerVerifier({ ca, allow: DEFAULT_ALLOW, privileged: DEFAULT_PRIVILEGED });
const request = (pubcert: string, keys = keyPair('odd')) =>
  signSecureRequest('m', createPrivateKey(keys.privateKey), pubcert);
const verify = (pubcert: string, ca = root.certificate, keys = keyPair('odd')) =>
  verifierOf(ca).verify(request(pubcert, keys), `choria=${caller}`, now);

const ca = (options: Omit<OddCertificate, 'issuer'> & Partial<Pick<OddCertificate, 'issuer'>>) =>
  oddCertificate({
    commonNames: ['Odd CA'],
    keys: keyPair('odd-ca'),
    extensions: caExtensions(),
    issuer: root,
    ...options,
  });

let checks: MockInstance<X509Certificate['verify']>;
let decoded: MockInstance;

beforeEach(() => {
  checks = vi.spyOn(X509Certificate.prototype, 'verify');
  decoded = vi.spyOn(X509Certificate.prototype, 'publicKey', 'get');
});
afterEach(() => vi.restoreAllMocks());

describe("a stranger's certificates", () => {
  it('set no price: none of their keys is used before a configured CA has signed for it', () => {
    const chain = Array.from({ length: 7 }, (_, index) =>
      ca({ issuer: stranger, serial: `0${index + 1}`, spki: rsaSpki(3072, 3071), commonNames: ['Root CA'] }),
    );
    const leaf = oddCertificate({ issuer: stranger });
    const pubcert = leaf.certificate + chain.map(({ certificate }) => certificate).join('');
    refused(() => verify(pubcert), 'untrusted_certificate');
    // With the configured CA's own key alone, whose name all of them bear.
    expect(checks.mock.calls.length).toBeLessThanOrEqual(8);
    const rootKey = createPublicKey(root.publicKey);
    for (const [key] of checks.mock.calls) expect(key.equals(rootKey)).toBe(true);
  });

  it('cost nothing but a look at their names where they do not say to be of a configured CA', () => {
    const other = makeAuthority('Other CA');
    const leaf = oddCertificate({ issuer: other });
    refused(() => verify(leaf.certificate + other.certificate), 'untrusted_certificate', /CN=Other CA/);
    expect(checks).not.toHaveBeenCalled();
    expect(decoded).not.toHaveBeenCalled();
  });

  it('are remembered as refused, and do not push out those who have signed', () => {
    const verifier = verifierOf(root.certificate);
    const honest = root.issue({ commonName: caller });
    const leaf = oddCertificate({ issuer: stranger });
    const forged = request(leaf.certificate);
    const signed = request(honest.certificate, honest);
    verifier.verify(signed, `choria=${caller}`, now);
    refused(() => verifier.verify(forged, `choria=${caller}`, now), 'untrusted_certificate');
    const first = checks.mock.calls.length;
    refused(() => verifier.verify(forged, `choria=${caller}`, now), 'untrusted_certificate');
    expect(checks).toHaveBeenCalledTimes(first);
    // His own public certificate with any text around it is another one, and anybody has it.
    for (let index = 0; index < 1100; index++)
      refused(
        () => verifier.verify(request(`${index}\n${honest.certificate}`), `choria=${caller}`, now),
        'invalid_signature',
      );
    checks.mockClear();
    verifier.verify(signed, `choria=${caller}`, now);
    expect(checks).not.toHaveBeenCalled();
  });

  it('are remembered as refused by the hundred, and no more of them', () => {
    const verifier = verifierOf(root.certificate);
    const { certificate } = oddCertificate({ issuer: stranger });
    const refuse = (text: string): unknown =>
      refused(
        () => verifier.verify(request(text + certificate), `choria=${caller}`, now),
        'untrusted_certificate',
      );
    refuse('');
    for (let index = 0; index < 200; index++) refuse(`${index}\n`);
    checks.mockClear();
    refuse('');
    expect(checks).not.toHaveBeenCalled();
    for (let index = 200; index < 500; index++) refuse(`${index}\n`);
    checks.mockClear();
    refuse('');
    expect(checks).toHaveBeenCalled();
  });

  it('are checked a few times at most, however many configured CAs have their issuer’s name', () => {
    const cas = Array.from({ length: 20 }, (_, index) =>
      makeAuthority('Root CA', { keys: keyPair(`root-${index % 2}`) }),
    );
    const leaf = oddCertificate({ issuer: stranger });
    refused(
      () => verify(leaf.certificate, cas.map(({ certificate }) => certificate).join('')),
      'untrusted_certificate',
      /too many/,
    );
    expect(checks.mock.calls.length).toBeLessThanOrEqual(16);
  });

  it.each([
    ['a name of 58 KB', () => oddCertificate({ issuer: root, commonNames: ['x'.repeat(58_000)] })],
    ['a name of 3 KB', () => oddCertificate({ issuer: root, commonNames: ['x'.repeat(3000)] })],
    [
      'names without end',
      () =>
        oddCertificate({
          issuer: root,
          extensions: [
            {
              name: 'subjectAltName',
              altNames: Array.from({ length: 1001 }, () => ({ type: 2, value: 'a' })),
            },
          ],
        }),
    ],
    [
      'extensions without end',
      () =>
        oddCertificate({
          issuer: root,
          extensions: Array.from({ length: 1001 }, (_, index) => ({ id: `1.2.3.${index}`, value: '' })),
        }),
    ],
    [
      'a serial number of 4 KB',
      () => oddCertificate({ issuer: stranger, commonNames: ['*'], serial: '12'.repeat(4000) }),
    ],
  ])('with %s are refused in a short sentence, at no cost', (_, make) => {
    const { certificate } = make();
    const { message } = refused(() => verify(certificate), 'untrusted_certificate');
    expect(message.length).toBeLessThan(300);
    expect(decoded.mock.calls.length).toBeLessThanOrEqual(1);
  });

  it('of a thousand blocks are not read', () => {
    const block = '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n';
    refused(() => verify(block.repeat(600)), 'untrusted_certificate', /more than 8/);
    refused(() => verify(block.repeat(6000)), 'untrusted_certificate', /too large/);
    refused(() => verify('-----BEGIN CERTIFICATE-----\n'.repeat(900)), 'untrusted_certificate');
  });
});

describe("a caller's own CA, below a configured one", () => {
  it.each([
    ['a public exponent of 33 bits', rsaSpki(2048, 33), /exponent of 33 bits/],
    ['a public exponent of 3071 bits', rsaSpki(3072, 3071), /exponent of 3071 bits/],
    ['a modulus of 8193 bits', rsaSpki(8193, 17), /8193 bits/],
    ['a modulus of 2047 bits', rsaSpki(2047, 17), /2047 bits/],
    [
      'a curve of its own making',
      sequence(sequence(oid('2a8648ce3d0201'), sequence(oddNumber(3))), der(0x03, Buffer.alloc(9))),
      /none of the curves/,
    ],
    [
      'a curve of more than 521 bits',
      sequence(sequence(oid('2a8648ce3d0201'), oid('2b81040027')), der(0x03, Buffer.alloc(9))),
      /none of the curves/,
    ],
    [
      'a key of RSASSA-PSS',
      sequence(sequence(oid('2a864886f70d01010a')), der(0x03, Buffer.alloc(9))),
      /none of the kinds/,
    ],
  ])('signs nothing with %s', (_, spki, why) => {
    const odd = ca({ spki });
    const leaf = oddCertificate({ issuer: odd });
    refused(() => verify(leaf.certificate + odd.certificate), 'untrusted_certificate', why);
    // The configured one's signature over it.
    expect(checks).toHaveBeenCalledTimes(1);
  });

  it('may have an exponent of 32 bits, and so may a caller', () => {
    const keys = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicExponent: 4_294_967_291,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const odd = ca({ keys });
    const leaf = oddCertificate({ issuer: odd, keys });
    expect(verify(leaf.certificate + odd.certificate, root.certificate, keys).name).toBe(caller);
  });

  it.each(['P-256', 'P-384', 'P-521'])('may be on the curve %s', (namedCurve) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    const odd = ca({ spki: publicKey.export({ type: 'spki', format: 'der' }) });
    const leaf = oddCertificate({
      issuer: odd,
      signature: {
        algorithm: sequence(oid('2a8648ce3d040303')),
        sign: (tbs) => sign('sha384', tbs, privateKey),
      },
    });
    expect(verify(leaf.certificate + odd.certificate).name).toBe(caller);
  });

  it('may be of Ed25519', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const odd = ca({ spki: publicKey.export({ type: 'spki', format: 'der' }) });
    const leaf = oddCertificate({
      issuer: odd,
      signature: { algorithm: sequence(oid('2b6570')), sign: (tbs) => sign(null, tbs, privateKey) },
    });
    expect(verify(leaf.certificate + odd.certificate).name).toBe(caller);
  });

  it('may have signed another in a circle', () => {
    const [one, two] = [makeKeyPair(), makeKeyPair()];
    const first = ca({ commonNames: ['One CA'], keys: one });
    const second = ca({ commonNames: ['Two CA'], keys: two, issuer: first });
    const back = ca({ commonNames: ['One CA'], keys: one, issuer: second });
    const leaf = oddCertificate({ issuer: second });
    const pubcert = [leaf, back, second, first].map(({ certificate }) => certificate).join('');
    expect(verify(pubcert).name).toBe(caller);
    refused(() => verify(leaf.certificate + back.certificate + second.certificate), 'untrusted_certificate');
  });
});

const pss = (digest: 'sha1' | 'sha256', keys: { readonly privateKey: string }) => {
  const hash = sequence(oid(digest === 'sha1' ? '2b0e03021a' : '608648016503040201'), nothing);
  const parameters = sequence(
    der(0xa0, hash),
    der(0xa1, sequence(oid('2a864886f70d010108'), hash)),
    der(0xa2, der(0x02, Buffer.from([digest === 'sha1' ? 20 : 32]))),
  );
  return {
    algorithm: sequence(oid('2a864886f70d01010a'), parameters),
    sign: (tbs: Buffer) =>
      sign(digest, tbs, {
        key: keys.privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      }),
  };
};

describe('the signature of a certificate', () => {
  it.each(['sha1', 'md5'] as const)(
    'proves nothing of a configured CA, and may be with %s there',
    (digest) => {
      const old = ca({ commonNames: ['Old CA'] });
      const anchor = ca({ issuer: old, commonNames: ['Old CA'], digest });
      const leaf = oddCertificate({ issuer: anchor });
      expect(verify(leaf.certificate, anchor.certificate).name).toBe(caller);
      // Sent along it is the same one, and no intermediate.
      expect(verify(leaf.certificate + anchor.certificate, anchor.certificate).name).toBe(caller);
    },
  );

  it.each(['sha1', 'md5'] as const)('must be strong below one: not with %s', (digest) => {
    const middle = ca({ digest });
    const leaf = oddCertificate({ issuer: middle });
    refused(
      () => verify(leaf.certificate + middle.certificate),
      'untrusted_certificate',
      /serial 0102 is not/,
    );
    refused(() => verify(oddCertificate({ issuer: root, digest }).certificate), 'untrusted_certificate');
    expect(checks).not.toHaveBeenCalled();
  });

  it('may be of RSASSA-PSS, with a strong digest', () => {
    const signed = (digest: 'sha1' | 'sha256') =>
      oddCertificate({ issuer: root, signature: pss(digest, root) }).certificate;
    expect(verify(signed('sha256')).name).toBe(caller);
    refused(() => verify(signed('sha1')), 'untrusted_certificate', /not signed with/);
    const algorithm = sequence(oid('2a864886f70d01010a'), sequence());
    const bare = oddCertificate({ issuer: root, signature: { ...pss('sha1', root), algorithm } });
    refused(() => verify(bare.certificate), 'untrusted_certificate', /not signed with/);
  });

  it('must be by an algorithm that is known', () => {
    const algorithm = sequence(oid('2a0304'), nothing);
    const unknown = oddCertificate({ issuer: root, signature: { algorithm, sign: () => Buffer.alloc(256) } });
    refused(() => verify(unknown.certificate), 'untrusted_certificate', /not signed with/);
    expect(checks).not.toHaveBeenCalled();
  });
});
