import type { KeyObject } from 'node:crypto';
import type { Rejection, RejectionContext } from '../../../envelope/rejection.ts';
import type { AdapterContext, IngressServices } from '../../descriptor.ts';
import type { Handled } from '../../kit/handled.ts';
import type { McollectiveStompIngressConfig } from '../ingress-config.ts';
import type { Callers } from './callers.ts';

/** What an ingress is made with: its section of the file, what is around it, and the keys of the files that it names. */
export interface McollectiveStompIngressOptions {
  readonly name: string;
  readonly config: Pick<
    McollectiveStompIngressConfig,
    | 'serializer'
    | 'base64'
    | 'agentsMultiplex'
    | 'priority'
    | 'callers'
    | 'share'
    | 'broadcastQueue'
    | 'buffer'
  >;
  readonly around: Pick<
    AdapterContext,
    'identity' | 'cluster' | 'collectives' | 'maxMessageBytes' | 'maxTargets' | 'maxTtl'
  >;
  readonly services: Pick<IngressServices, 'link' | 'pool' | 'remoteNodes' | 'clock'> & {
    readonly handled: Handled;
  };
  readonly keys: IngressKeys;
  /** Called with errors that have no waiter: a selection that could not be changed. */
  readonly onError: (rejection: Rejection) => void;
  /** Told what is odd about a request that is taken all the same, where `enforce_ttl` is false. */
  readonly onNote: (text: string, context: RejectionContext) => void;
}

export interface IngressKeys {
  readonly callers: Callers;
  /** The private key that all daemons share; signs replies. */
  readonly server: KeyObject;
}
