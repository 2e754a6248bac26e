import {
  defineEgress,
  defineIngress,
  type Fault,
  type RawAdapterContext,
  type RawEntry,
} from '../adapter-type.ts';
import { ANY_STOMP_SERVER } from './connection-config.ts';
import { mcollectiveEgressAdapter } from './egress-adapter.ts';
import { mcollectiveStomp } from './egress-config.ts';
import { mcollectiveIngressAdapter } from './ingress-adapter.ts';
import { mcollectiveStompIngress } from './ingress-config.ts';
import { REPLY_PATH } from './reply-path.ts';

/** What shares the broadcasts of legacy clients has to be there, and what is there has to be used. */
const checkSharing = (
  { share, broadcast_queue: queue }: RawEntry,
  { hasClaims }: RawAdapterContext,
): readonly Fault[] => {
  const by = share ?? (hasClaims ? 'claims' : 'queue');
  const faults: Fault[] = [];
  if (share === 'claims' && !hasClaims)
    faults.push({
      path: ['share'],
      message: 'claims have no place to be made: add the section claims',
      allowed: '"queue", "single", or claims with a section claims',
    });
  if (share === 'queue' && queue === undefined)
    faults.push({
      path: ['share'],
      message: 'there is no queue to share: give broadcast_queue',
      allowed: '"single", "claims", or queue with broadcast_queue',
    });
  if (queue !== undefined && (by === 'claims' || by === 'single'))
    faults.push({
      path: ['broadcast_queue'],
      message: `has no effect with share: ${by}, which ${share === undefined ? 'is so where there is a section claims' : 'reads the topics'}; leave it out, or say share: queue`,
    });
  return faults;
};

/** Legacy clients. */
export const mcollectiveIngressType = defineIngress({
  type: 'mcollective-stomp',
  transport: 'stomp',
  anyServer: ANY_STOMP_SERVER,
  opaque: undefined,
  schema: mcollectiveStompIngress,
  adapt: mcollectiveIngressAdapter,
  crossCheck: checkSharing,
});

/** Legacy daemons. */
export const mcollectiveEgressType = defineEgress({
  type: 'mcollective-stomp',
  transport: 'stomp',
  anyServer: ANY_STOMP_SERVER,
  opaque: undefined,
  schema: mcollectiveStomp,
  adapt: mcollectiveEgressAdapter,
  replyPath: REPLY_PATH,
});
