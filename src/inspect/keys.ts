import type { KeyObject } from 'node:crypto';
import type { CallerVerifier } from '../adapters/choria/wire/index.ts';

/** A public key, and where it came from. */
export interface KnownKey {
  readonly key: KeyObject;
  readonly source: string;
}

/** What signatures are verified with. Nothing here reads files: its maker has done so, or does when asked. */
export interface Keys {
  /** Who knows Choria's callers, each with the name of the CA that it trusts. */
  readonly callers: readonly { readonly verifier: CallerVerifier; readonly source: string }[];
  /** The key of a legacy caller such as `cert=alice`, or why there is none. */
  clientKey(callerId: string): KnownKey | { readonly missing: string };
  /** The keys that legacy daemons sign with. */
  readonly serverKeys: readonly KnownKey[];
}

export const NO_KEYS: Keys = {
  callers: [],
  clientKey: () => ({ missing: 'no key: give --client-keys or --config' }),
  serverKeys: [],
};
