import { describe, expect, it } from 'vitest';
import { type CertificateOptions, makeAuthority } from '../../src/pki/authority.ts';
import { type Certificate, parseCertificates } from '../../src/pki/certificate.ts';
import { checkDates, findChains } from '../../src/pki/chain.ts';
import { keyPair } from '../support/pki.ts';
import { loadPkits } from './pkits-certificate.ts';

const root = makeAuthority({ commonName: 'Root CA', keys: keyPair('root') });
const { publicKey } = keyPair('leaf');

const read = (pem: string): Certificate => {
  const [certificate] = parseCertificates(pem, 'the certificate', 1);
  if (certificate === undefined) throw new Error('no certificate');
  return certificate;
};
const issued = (options: CertificateOptions): Certificate => read(root.issue(options, publicKey));

describe('an authority', () => {
  it('signs certificates that lead to it and are valid now', () => {
    const leaf = issued({ commonName: 'a', dnsNames: ['b'], usages: ['client'] });
    const chains = findChains(leaf, [], [read(root.certificate)]);
    expect(() => checkDates(chains, Date.now())).not.toThrow();
    expect(leaf).toMatchObject({ names: ['a', 'b'], clientAuth: true, pathLength: -1 });
  });

  it('has others below it', () => {
    const middle = root.intermediate({ commonName: 'Middle CA', keys: keyPair('middle') });
    const leaf = read(middle.issue({ commonName: 'a' }, publicKey));
    expect(findChains(leaf, [read(middle.certificate)], [read(root.certificate)])).toHaveLength(1);
  });

  it('says what a certificate is for and how long, and gives it no number twice', () => {
    const [notBefore, notAfter] = [new Date(Date.UTC(1990, 0)), new Date(Date.UTC(2049, 0))];
    const one = issued({ usages: ['server'], notBefore, notAfter });
    expect(one).toMatchObject({
      names: [],
      clientAuth: false,
      notBefore: notBefore.getTime(),
      notAfter: notAfter.getTime(),
    });
    expect(issued({}).serial).not.toBe(one.serial);
  });

  it.each([
    'ValidUTF8StringEncodedNamesTest9EE',
    'ValidRFC3280MandatoryAttributeTypesTest7EE',
    'ValidRFC3280OptionalAttributeTypesTest8EE',
    'ValidDSASignaturesTest4EE',
  ])("writes another's name as its own, as it is in %s", (name) => {
    const { issuer } = loadPkits(name);
    expect(issued({ commonName: 'a', issuer }).issuer.der).toEqual(issuer.der);
  });
});
