import { decodeStats, statsSubject } from '../../adapters/choria/wire/stats.ts';
import { asRejection } from '../../envelope/rejection.ts';
import { ObservedCluster } from '../../telemetry/observe/cluster.ts';
import type { LinkEvent } from '../../transport/link.ts';
import { createNatsLink } from '../../transport/nats/index.ts';
import type { Network } from '../client-options.ts';

/** What to watch, and whom of it to show. */
export interface Watched {
  readonly network: Network;
  readonly cluster: string;
  /** Instances to list; all when absent. */
  readonly only?: ReadonlySet<string>;
}

/** Documents as they come in, until it is closed. */
export interface Watch {
  readonly cluster: ObservedCluster;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** What is wrong with the connection; undefined while it is up. */
  readonly trouble: () => string | undefined;
  readonly close: () => Promise<void>;
}

/**
 * Subscribes to a cluster's statistics.
 * @param onChange something came in, or the connection came or went
 * @throws LinkError where no server can be used, or does not permit the subscription
 */
export const watch = async ({ network, cluster: name }: Watched, onChange: () => void): Promise<Watch> => {
  const cluster = new ObservedCluster(name);
  let trouble: string | undefined;
  const onEvent = (event: LinkEvent): void => {
    if (event.kind === 'connected') trouble = undefined;
    else if (event.kind === 'disconnected' || event.kind === 'retry')
      trouble = `not connected to ${event.server}: ${event.reason}`;
    else if (event.kind === 'error' || event.kind === 'denied') trouble = event.error.message;
    onChange();
  };
  const link = createNatsLink({ ...network.linkOptions, onEvent });
  const onMessage = ({ body }: { readonly body: Buffer }): void => {
    try {
      cluster.hear(decodeStats(body), Date.now());
    } catch (error) {
      // Anybody on the network may publish anything there.
      cluster.refuse(asRejection(error).message);
    }
    onChange();
  };
  try {
    await link.open();
    await link.subscribe({ destination: statsSubject(name), onMessage });
  } catch (error) {
    await link.close();
    throw error;
  }
  return { cluster, now: Date.now, trouble: () => trouble, close: () => link.close() };
};
