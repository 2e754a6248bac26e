import type { KeyObject } from 'node:crypto';
import { makePair, type ThrowAwayPair } from './identities.ts';

/** A legacy link's own keys. */
export interface LegacyLinkKeys {
  /** `cert=alice`'s; undefined where the link has none. */
  caller(callerId: string): KeyObject | undefined;
  /** Those that daemons sign with. */
  readonly servers: readonly KeyObject[];
}

/** One pair for each legacy caller, one that all daemons share, and one without trust. */
export class LegacyKeys {
  readonly #callers = new Map<string, ThrowAwayPair>();
  readonly server = makePair();
  readonly nobody = makePair();

  /** Only for callers that have a key: strangers are many. */
  caller(callerId: string): ThrowAwayPair {
    const pair = this.#callers.get(callerId) ?? makePair();
    this.#callers.set(callerId, pair);
    return pair;
  }
}
