import type { AdapterContext, EgressServices } from '../../descriptor.ts';
import type { ChoriaCollectiveConfig } from '../collective-egress-config.ts';
import type { Credentials } from './credentials.ts';

/** What an egress is made with: its section of the file, what is around it, and the keys of the files that it names. */
export interface ChoriaCollectiveEgressOptions {
  readonly name: string;
  readonly config: Pick<ChoriaCollectiveConfig, 'subscriptions' | 'compound' | 'buffer'>;
  readonly around: Pick<AdapterContext, 'identity' | 'cluster' | 'maxMessageBytes'>;
  readonly services: Pick<EgressServices, 'link' | 'tokenKey' | 'otherTokenKeys' | 'pool' | 'clock'>;
  /** The ingresses whose requests pass unchanged, by their cluster: the subject of replies tells them apart. */
  readonly homes: ReadonlyMap<string, string>;
  /** Undefined where all requests pass unchanged, so that there is nothing to sign. */
  readonly credentials: Credentials | undefined;
}

/** Of an egress that signs in callers' names. */
export interface SigningEgressOptions extends ChoriaCollectiveEgressOptions {
  readonly credentials: Credentials;
}
