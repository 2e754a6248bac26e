import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type Authority, makeKeyPair } from '../../pki/authority.ts';

/** A key pair, with the certificate that names its owner. */
export interface DemoIdentity {
  readonly name: string;
  readonly certificate: string;
  readonly privateKey: KeyObject;
}

/** A caller of that authority's network. */
export const issueTo = (authority: Authority, name: string): DemoIdentity => {
  const { privateKey, publicKey } = makeKeyPair();
  const certificate = authority.issue({ commonName: name, dnsNames: [name], usages: ['client'] }, publicKey);
  return { name, certificate, privateKey: createPrivateKey(privateKey) };
};

/** A key as a file holds it. */
export const pemOf = (key: KeyObject): string =>
  key.export({ format: 'pem', type: key.type === 'private' ? 'pkcs8' : 'spki' }).toString();

/** A bare key pair, as MCollective's SSL plugin uses them. */
export const makeBarePair = (): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } => {
  const privateKey = createPrivateKey(makeKeyPair().privateKey);
  return { privateKey, publicKey: createPublicKey(privateKey) };
};
