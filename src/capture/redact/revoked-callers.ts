import { RevocationStore } from '../../adapters/kit/revocation-store.ts';
import { DISK } from '../../config/key-files.ts';
import { SILENT_LOG } from '../../envelope/log.ts';
import { Rejection } from '../../envelope/rejection.ts';
import { type Certificate, parseCertificates } from '../../pki/certificate.ts';
import { findChains } from '../../pki/chain.ts';
import { CertificateRevoked } from '../../pki/revocation.ts';
import type { Revoked } from '../../pki/revocation-entries.ts';
import type { Side } from '../../setup/sides.ts';

/**
 * How a caller's certificate is revoked; undefined where it is not.
 * @param pem the certificate, and what came with it
 * @param anchors those that may vouch for it
 */
export type FindRevoked = (pem: string, anchors: readonly Certificate[]) => Revoked | undefined;

/** By the lists that a side looks its callers up in; undefined where it has none. */
export const revokedOn = ({ adapter }: Side): FindRevoked | undefined => {
  const files = adapter.keys().flatMap(({ kind, path }) => (kind === 'crl' ? [path] : []));
  if (files.length === 0) return undefined;
  // As a replay does: what no list tells counts as good.
  const store = new RevocationStore({ log: SILENT_LOG, isReplay: true });
  const revocation = store.watch({ files, takesExpired: true }, DISK);
  return (pem, anchors) => {
    try {
      const [leaf, ...sent] = parseCertificates(pem, "the caller's certificate");
      if (leaf !== undefined)
        revocation.check(findChains(leaf, sent, anchors), { sent, anchors }, Date.now());
      return undefined;
    } catch (error) {
      if (error instanceof CertificateRevoked) return error.entry;
      if (error instanceof Rejection) return undefined;
      throw error;
    }
  };
};
