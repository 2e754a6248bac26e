import { DISK } from '../../config/key-files.ts';
import type { RevocationConfig } from '../../config/revocation.ts';
import { SILENT_LOG } from '../../envelope/log.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { type Certificate, certificateOf, parseCertificates } from '../../pki/certificate.ts';
import type { Revocation } from '../../pki/revocation.ts';
import type { PeerRefusal, PeerRevocation } from '../../transport/tls/settings.ts';
import { RevocationStore } from './revocation-store.ts';

const MAX_ROOTS = 1000;

const isIssuedByNext = (certificate: Certificate, at: number, chain: readonly Certificate[]): boolean => {
  const issuer = chain[at + 1];
  return (
    issuer === undefined ||
    (certificate.issuer.id === issuer.subject.id && certificate.x509.verify(issuer.key))
  );
};

/**
 * Whether brokers' certificates are revoked, by the files that a `tls` section names; they are looked at with each connection,
 * and again while it stands.
 * Two are equal where their settings are.
 */
export class PeerLists implements PeerRevocation {
  /** What all links of the process know of files: a CA's list may have many thousands of entries. */
  static readonly #store = new RevocationStore({ log: SILENT_LOG });
  readonly files: readonly string[];
  readonly takesExpired: boolean;
  readonly #revocation: Revocation;
  /** Those of the last look. */
  #roots: { readonly text: string; readonly anchors: readonly Certificate[] } | undefined;

  constructor({ files, takesExpired }: RevocationConfig) {
    this.files = files;
    this.takesExpired = takesExpired;
    this.#revocation = PeerLists.#store.watch(this, DISK);
  }

  refusal(chain: readonly Buffer[], roots: string): PeerRefusal | undefined {
    try {
      this.#check(chain, roots);
      return undefined;
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      const kind = error.code === 'certificate_revoked' ? 'server-revoked' : 'revocation-unknown';
      return { kind, sentence: error.message };
    }
  }

  #anchorsOf(text: string): readonly Certificate[] {
    if (this.#roots?.text !== text)
      this.#roots = { text, anchors: parseCertificates(text, 'the configured CA', MAX_ROOTS) };
    return this.#roots.anchors;
  }

  #check(ders: readonly Buffer[], roots: string): void {
    const anchors = this.#anchorsOf(roots);
    const chain: Certificate[] = [];
    for (const der of ders) {
      const anchor = anchors.find((one) => one.der.equals(der));
      chain.push(anchor ?? certificateOf(der, "the server's certificate"));
      if (anchor !== undefined) break;
    }
    // Node puts the chain together by names, of what the server has sent: a CA that only bears one's name proves nothing.
    if (!anchors.some((anchor) => anchor === chain.at(-1)) || !chain.every(isIssuedByNext))
      throw new Rejection(
        'revocation_unknown',
        "whether the server's certificate is revoked is not known: it cannot be followed up to a configured CA",
      );
    this.#revocation.check([chain], { sent: chain, anchors }, Date.now());
  }
}
