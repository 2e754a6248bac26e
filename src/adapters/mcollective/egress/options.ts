import type { KeyObject } from 'node:crypto';
import type { AdapterContext, EgressServices } from '../../descriptor.ts';
import type { McollectiveStompConfig } from '../egress-config.ts';
import type { Signers } from './signing.ts';

/** What an egress is made with: its section of the file, what is around it, and the keys of the files that it names. */
export interface McollectiveStompEgressOptions {
  readonly name: string;
  readonly config: Pick<
    McollectiveStompConfig,
    'serializer' | 'base64' | 'agentsMultiplex' | 'priority' | 'directLimit' | 'discovery' | 'buffer'
  >;
  readonly around: Pick<AdapterContext, 'identity' | 'cluster' | 'collectives' | 'maxMessageBytes'>;
  readonly services: Pick<
    EgressServices,
    'link' | 'tokenKey' | 'otherTokenKeys' | 'nodes' | 'pool' | 'clock'
  >;
  readonly signers: Signers;
  /** The daemons' public keys. */
  readonly serverKeys: readonly KeyObject[];
}
