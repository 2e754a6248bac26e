import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import forge from 'node-forge';

/** An authority made on the spot. */
export interface DemoAuthority {
  readonly certificate: string;
  issue(name: string): DemoIdentity;
}

/** A key pair, with the certificate that names its owner. */
export interface DemoIdentity {
  readonly name: string;
  readonly certificate: string;
  readonly privateKey: KeyObject;
}

const BITS = 2048;

const keyPair = (): forge.pki.rsa.KeyPair => forge.pki.rsa.generateKeyPair({ bits: BITS });

const certificateFor = (
  subject: string,
  keys: forge.pki.rsa.KeyPair,
  serial: string,
  extensions: readonly object[],
): forge.pki.Certificate => {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = serial;
  certificate.validity.notBefore = new Date(Date.now() - 60_000);
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
  certificate.setSubject([{ name: 'commonName', value: subject }]);
  certificate.setExtensions([...extensions]);
  return certificate;
};

/** A certificate authority that lives as long as the demo. */
export const makeAuthority = (name: string): DemoAuthority => {
  const keys = keyPair();
  const ca = certificateFor(name, keys, '01', [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ]);
  ca.setIssuer(ca.subject.attributes);
  ca.sign(keys.privateKey, forge.md.sha256.create());
  let serial = 1;
  return {
    certificate: forge.pki.certificateToPem(ca),
    issue: (subject) => {
      const own = keyPair();
      serial++;
      const certificate = certificateFor(subject, own, serial.toString(16).padStart(2, '0'), [
        { name: 'extKeyUsage', clientAuth: true },
        { name: 'subjectAltName', altNames: [{ type: 2, value: subject }] },
      ]);
      certificate.setIssuer(ca.subject.attributes);
      certificate.sign(keys.privateKey, forge.md.sha256.create());
      return {
        name: subject,
        certificate: forge.pki.certificateToPem(certificate),
        privateKey: privateKeyOf(own),
      };
    },
  };
};

const privateKeyOf = (keys: forge.pki.rsa.KeyPair): KeyObject =>
  createPrivateKey(forge.pki.privateKeyToPem(keys.privateKey));

/** A key as a file holds it. */
export const pemOf = (key: KeyObject): string =>
  key.export({ format: 'pem', type: key.type === 'private' ? 'pkcs8' : 'spki' }).toString();

/** A bare key pair, as MCollective's SSL plugin uses them. */
export const makeKeyPair = (): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } => {
  const privateKey = privateKeyOf(keyPair());
  return { privateKey, publicKey: createPublicKey(privateKey) };
};
