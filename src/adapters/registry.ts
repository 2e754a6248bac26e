import { collectiveEgressAdapter } from './choria/collective-egress-adapter.ts';
import type { ChoriaCollectiveConfig } from './choria/collective-egress-config.ts';
import { collectiveIngressAdapter } from './choria/collective-ingress-adapter.ts';
import type { ChoriaCollectiveIngressConfig } from './choria/collective-ingress-config.ts';
import { federationAdapter } from './choria/federation-adapter.ts';
import type { ChoriaFederationConfig } from './choria/federation-config.ts';
import type { EgressAdapter, IngressAdapter } from './descriptor.ts';
import { mcollectiveEgressAdapter } from './mcollective/egress-adapter.ts';
import type { McollectiveStompConfig } from './mcollective/egress-config.ts';
import { mcollectiveIngressAdapter } from './mcollective/ingress-adapter.ts';
import type { McollectiveStompIngressConfig } from './mcollective/ingress-config.ts';

export type IngressConfig =
  | ChoriaFederationConfig
  | ChoriaCollectiveIngressConfig
  | McollectiveStompIngressConfig;
export type EgressConfig = McollectiveStompConfig | ChoriaCollectiveConfig;

type Named<T> = T & { readonly name: string };

/** What the protocol of an ingress says of it. */
export const ingressAdapter = (it: Named<IngressConfig>): IngressAdapter => {
  switch (it.type) {
    case 'choria-federation':
      return federationAdapter(it, it.name);
    case 'choria-collective':
      return collectiveIngressAdapter(it, it.name);
    case 'mcollective-stomp':
      return mcollectiveIngressAdapter(it, it.name);
  }
};

/** What the protocol of an egress says of it. */
export const egressAdapter = (it: Named<EgressConfig>): EgressAdapter => {
  switch (it.type) {
    case 'choria-collective':
      return collectiveEgressAdapter(it, it.name);
    case 'mcollective-stomp':
      return mcollectiveEgressAdapter(it, it.name);
  }
};
