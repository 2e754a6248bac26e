import { isDeepStrictEqual } from 'node:util';
import { createClaims, type SharedClaims } from '../cluster/claims.ts';
import type { ConnectionSettings, Fresh } from '../cluster/connection.ts';
import type { Log } from '../envelope/log.ts';
import { secretsFault } from '../transport/nats/secrets.ts';
import type { ClaimsSettings } from './sharing.ts';

/** What an app claims broadcasts by, where it does, for all its life; its connection follows the configuration. */
export interface AppClaims {
  readonly claims: SharedClaims | undefined;
  /** Undefined while the configuration has no use for them: then nothing is connected for them, and they are no trouble. */
  inUse(): SharedClaims | undefined;
  /** The configuration in force is another. */
  follow(next: ClaimsSettings | undefined): void;
  /** Why another connection could not be made with what its files hold; undefined for one that is the same. */
  fault(next: ClaimsSettings | undefined, now: number): string | undefined;
}

/** Its name is for the server's operator only. */
const unnamed = (settings: ConnectionSettings | undefined): object => ({ ...settings, name: '' });

export interface AppClaimsOptions {
  /** Undefined where there is no section `claims`. */
  readonly made: ClaimsSettings | undefined;
  /** Whether the configuration in force claims or counts anything. */
  readonly isUsed: () => boolean;
  readonly log: Log;
  /** The connection as its files are now. */
  readonly fresh?: Fresh;
}

export const createAppClaims = ({ made, isUsed, log, fresh }: AppClaimsOptions): AppClaims => {
  const claims = made && createClaims({ ...made, log, ...(fresh && { fresh }) });
  let connection = made?.connection;
  const isSame = (next: ClaimsSettings): boolean =>
    isDeepStrictEqual(unnamed(next.connection), unnamed(connection));
  const inUse = (): SharedClaims | undefined => (isUsed() ? claims : undefined);
  return {
    claims,
    inUse,
    follow: (next) => {
      if (next !== undefined && !isSame(next)) {
        connection = next.connection;
        claims?.follow(next.connection);
      }
      inUse()?.open();
    },
    fault: (next, now) =>
      next === undefined || isSame(next) ? undefined : secretsFault(next.connection, 'claims', now),
  };
};
