import { verify, X509Certificate } from 'node:crypto';
import { must } from './choria-checks.ts';

/** How Ruby's security plugin of a node is set up. */
export interface RubySecurity {
  /** `0.6.0` keeps the first certificate that comes for a caller; 0.19 unless told. */
  readonly version?: '0.19' | '0.6.0';
  /** `choria.security.request_signer.*`: only with it does 0.19 take a privileged certificate's word for another's name. */
  readonly requestSigner?: boolean;
}

/** A certificate as a node found it: by the CA, valid now. */
export interface Shown {
  readonly pem: string;
  readonly commonName: string;
  /** Common name and DNS names. */
  readonly names: readonly string[];
  readonly privileged: boolean;
  readonly allowed: boolean;
}

/** Whether a node believes that a request is by the caller of this name. */
export type RubyTrust = (
  name: string,
  shown: Shown,
  signed: { readonly text: string; readonly signature: Buffer },
) => void;

const isSignedBy = (pem: string, text: string, signature: Buffer): boolean =>
  verify('RSA-SHA256', Buffer.from(text), new X509Certificate(pem).publicKey, signature);

const PRIVILEGED = /\.privileged\.mcollective$/;

/**
 * After `cache_client_pubcert`, `should_cache_certname?` and `verify_signature` of mcollective-choria's security/choria.rb: the
 * first certificate that comes for a caller stays `<caller>.pem`, and is what verifies, beside those that are kept under a
 * privileged name.
 */
const cachingTrust = (): RubyTrust => {
  const kept = new Map<string, string>();
  return (name, shown, { text, signature }) => {
    if (!kept.has(name)) {
      const isRight = shown.privileged || (shown.commonName === name && shown.allowed);
      must(isRight, `Received an invalid certificate for choria=${name}`);
      kept.set(name, shown.pem);
    }
    const candidates = [...kept].filter(([of]) => of === name || PRIVILEGED.test(of)).map(([, pem]) => pem);
    must(
      candidates.some((pem) => isSignedBy(pem, text, signature)),
      `Received an invalid signature in message from choria=${name}`,
    );
  };
};

const comparingTrust =
  (requestSigner: boolean): RubyTrust =>
  (name, { pem, names, privileged, allowed }, { text, signature }) => {
    if (!(privileged && requestSigner)) {
      must(
        names.includes(name),
        `Could not parse certificate with subject CN=${names[0]} as it has no CN part, or name ${name} invalid`,
      );
      must(allowed || privileged, `certificate name ${name} is not on the list`);
    }
    must(isSignedBy(pem, text, signature), 'signature');
  };

export const rubyTrust = ({ version = '0.19', requestSigner = false }: RubySecurity = {}): RubyTrust =>
  version === '0.6.0' ? cachingTrust() : comparingTrust(requestSigner);
