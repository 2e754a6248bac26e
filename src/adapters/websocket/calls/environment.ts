import type { RequestSink } from '../../../envelope/port.ts';
import type { AdapterContext, IngressServices } from '../../descriptor.ts';

/** What calls are made in: of one configuration; those that run go on in the next one. */
export interface Environment {
  /** The ingress's name. */
  readonly name: string;
  readonly around: Pick<AdapterContext, 'identity' | 'collectives' | 'maxTtl' | 'maxTargets'>;
  readonly services: Pick<IngressServices, 'link' | 'remoteNodes' | 'clock'>;
  readonly limits: CallLimits;
  readonly sink: RequestSink;
  /** Whether nothing new is taken. */
  readonly isDraining: () => boolean;
}

export interface CallLimits {
  /** That run in a session at a time. */
  readonly calls: number;
  /** What may wait in a session for its client to take it. */
  readonly queuedBytes: number;
  /** Of one message of a client. */
  readonly messageBytes: number;
}
