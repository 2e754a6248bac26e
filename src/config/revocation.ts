import { z } from 'zod';
import { choice, type path, refuse, setting } from './fields.ts';

/** Which revocation lists tell of a CA's certificates. */
export interface RevocationConfig {
  /** Paths. */
  readonly files: readonly string[];
  /** Whether a list counts after the time when the next one was due. */
  readonly takesExpired: boolean;
}

/** The keys beside a `ca` that say so. */
export const revocationFields = (file: () => ReturnType<typeof path>) => ({
  crl: setting(
    'revocation lists (CRLs) of those CAs; where there are none, nobody asks what is revoked',
    z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(file()).min(1).optional()),
    { type: ['array', 'string'] },
  ),
  crl_expired: setting(
    'what becomes of certificates whose CA has an old list: refused, or taken with a warning',
    choice(['error', 'warn']).optional(),
    { default: 'error' },
  ),
});

/** Those keys, as they are read. */
export interface RevocationKeys {
  readonly crl?: readonly string[] | undefined;
  readonly crl_expired?: 'error' | 'warn' | undefined;
}

export const revocationOf = ({ crl, crl_expired: expired }: RevocationKeys): RevocationConfig | undefined =>
  crl === undefined ? undefined : { files: crl, takesExpired: expired === 'warn' };

/** Refuses what says how old lists count where there are none. */
export const checkRevocationKeys = (
  section: { readonly crl?: unknown; readonly crl_expired?: unknown } | undefined,
  path: readonly string[],
  context: z.core.$RefinementCtx,
): void => {
  if (section?.crl === undefined && section?.crl_expired === 'warn')
    refuse(context, [...path, 'crl_expired'], 'is of no use without crl');
};
