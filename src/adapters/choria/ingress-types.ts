import { defineIngress } from '../adapter-type.ts';
import { ANY_NATS_SERVER } from '../kit/nats/config.ts';
import { reachedBy } from './client-reach.ts';
import { collectiveIngressAdapter } from './collective-ingress-adapter.ts';
import { choriaCollectiveIngress } from './collective-ingress-config.ts';
import { federationAdapter } from './federation-adapter.ts';
import { choriaFederation } from './federation-config.ts';
import { CHORIA_FORMAT } from './names.ts';

/** A federation network, whose clients ask by its brokers. */
export const federationType = defineIngress({
  type: 'choria-federation',
  transport: 'nats',
  anyServer: ANY_NATS_SERVER,
  opaque: CHORIA_FORMAT,
  schema: choriaFederation,
  adapt: federationAdapter,
  clients: reachedBy(choriaFederation, ({ cluster }) => [cluster]),
});

/** A collective whose own clients ask. */
export const collectiveIngressType = defineIngress({
  type: 'choria-collective',
  transport: 'nats',
  anyServer: ANY_NATS_SERVER,
  opaque: undefined,
  schema: choriaCollectiveIngress,
  adapt: collectiveIngressAdapter,
  clients: reachedBy(choriaCollectiveIngress, () => []),
});
