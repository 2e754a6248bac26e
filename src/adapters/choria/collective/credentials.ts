import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { KeyFiles } from '../../../config/key-files.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { parseCertificates } from '../../../pki/certificate.ts';
import { openCallerFolder } from '../../kit/caller-folder.ts';
import type { ChoriaSigningConfig } from '../collective-egress-config.ts';
import { callerName } from '../wire/index.ts';

/** What a request is signed with. */
export interface Credential {
  /** PEM: the certificate, then any intermediates; goes out with every request. */
  readonly certificate: string;
  /** Its RSA key. */
  readonly privateKey: KeyObject;
  /** Whom the certificate names. */
  readonly names: readonly string[];
  /** When the certificate ends, in ms since the epoch. */
  readonly notAfter: number;
}

/** With what the bridge signs, for whom. */
export interface Credentials {
  /** Whose certificate signs: one that nodes hold privileged, for all callers, or each caller's own. */
  readonly kind: ChoriaSigningConfig['kind'];
  /**
   * For the request of a mapped caller.
   * @throws Rejection `no_signing_key`
   */
  forCaller(caller: string): Credential;
  /**
   * For the bridge's own discovery, and in whose name it asks.
   * @throws Rejection `no_signing_key`
   */
  forDiscovery(): { readonly caller: string; readonly credential: Credential };
}

/** The caller in whose name the bridge sends discovery with a pair of the folder, unless configured. */
export const DISCOVERY_CALLER = 'choria=mcbridge.mcollective';

/** @throws Error with a sentence about what of the two cannot be used */
export const readCredential = (certificate: string, key: Buffer): Credential => {
  const [leaf] = parseCertificates(certificate, 'the certificate');
  if (leaf === undefined) throw new Error('there is no certificate');
  const privateKey = createPrivateKey(key);
  if (privateKey.asymmetricKeyType !== 'rsa') throw new Error('the key is not an RSA key');
  if (!leaf.x509.checkPrivateKey(privateKey)) throw new Error('the key is not that of the certificate');
  return { certificate, privateKey, names: leaf.names, notAfter: leaf.notAfter };
};

/** Nodes do not answer a certificate that has expired. */
const current = (credential: Credential, caller: string, clock: () => number): Credential => {
  if (clock() <= credential.notAfter) return credential;
  const ended = new Date(credential.notAfter).toISOString().slice(0, 10);
  throw new Rejection(
    'no_signing_key',
    `the certificate of ${credential.names[0] ?? 'no name'}, with which the bridge signs for ${caller}, expired on ${ended}`,
  );
};

const known = (caller: string): string => {
  if (callerName(caller) === undefined)
    throw new Rejection(
      'no_signing_key',
      `${caller} is no caller of Choria, such as choria=<name>, so no node would take the request`,
    );
  return caller;
};

export interface CredentialsOptions {
  /** In whose name the bridge sends discovery; that of its certificate unless told. */
  readonly discoveryCaller?: string;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly files?: KeyFiles | undefined;
}

/** One certificate for all callers, which nodes hold privileged. Ruby's nodes take it only where they have a request signer. */
export const privilegedCredentials = (own: Credential, options: CredentialsOptions): Credentials => {
  const { clock } = options;
  const caller = options.discoveryCaller ?? callerOf(own);
  return {
    kind: 'privileged',
    forCaller: (one) => current(own, known(one), clock),
    forDiscovery: () => ({ caller, credential: current(own, caller, clock) }),
  };
};

const callerOf = ({ names: [name] }: Credential): string =>
  name === undefined ? DISCOVERY_CALLER : `choria=${name}`;

/** A certificate has to name its caller, or nodes refuse it. */
const ofCaller = (
  [certificate = Buffer.alloc(0), key = Buffer.alloc(0)]: readonly Buffer[],
  name: string,
) => {
  const credential = readCredential(certificate.toString(), key);
  if (!credential.names.includes(name))
    throw new Error(`it is the certificate of ${credential.names.join(', ') || 'no name'}`);
  return credential;
};

const why = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/**
 * Each caller's own certificate and key, `<directory>/<name>.pem` and `<directory>/<name>.key` for `choria=<name>`, as all
 * kinds of nodes believe them.
 * @param own signs the bridge's own discovery, where it is given
 */
export const callerCredentials = (
  directory: string,
  own: Credential | undefined,
  options: CredentialsOptions,
): Credentials => {
  const { clock } = options;
  const pairOf = openCallerFolder({
    directory,
    nameOf: callerName,
    form: 'choria=<name>',
    endings: ['.pem', '.key'],
    code: 'no_signing_key',
    missing: (file, caller) => `there is no ${file} for ${caller} in the folder of callers' certificates`,
    unusable: (_, caller, cause) => `the certificate and the key of ${caller} cannot be used: ${why(cause)}`,
    parse: ofCaller,
    clock,
    files: options.files,
  });
  const forCaller = (caller: string): Credential => current(pairOf(known(caller)), caller, clock);
  const asker = options.discoveryCaller ?? (own === undefined ? DISCOVERY_CALLER : callerOf(own));
  const isOwn = own !== undefined && asker === callerOf(own);
  return {
    kind: 'callers',
    forCaller,
    forDiscovery: () => ({
      caller: asker,
      credential: isOwn ? current(own, asker, clock) : forCaller(asker),
    }),
  };
};
