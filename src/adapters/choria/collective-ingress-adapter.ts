import type { IngressAdapter } from '../descriptor.ts';
import { natsLink } from '../kit/nats/link-options.ts';
import { callersKeys, callersVerifier } from './callers-keys.ts';
import { ingressCheck } from './check/ingress.ts';
import { ARRIVALS } from './collective/arrivals.ts';
import { ingressRequirements } from './collective/requirements.ts';
import { createChoriaCollectiveIngress } from './collective-ingress.ts';
import type { ChoriaCollectiveIngressConfig } from './collective-ingress-config.ts';
import { CHORIA_NAMES } from './names.ts';
import { ofCollectiveIngress } from './observable.ts';

export const collectiveIngressAdapter = (
  it: ChoriaCollectiveIngressConfig,
  name: string,
): IngressAdapter => ({
  name,
  type: it.type,
  label: it.type,
  wire: { format: 'choria' },
  names: CHORIA_NAMES,
  cluster: undefined,
  standsForNodes: true,
  localEgress: it.localEgress,
  share: undefined,
  carriesStatistics: true,
  link: natsLink(it, { name, side: 'ingress' }),
  requirements: ({ collectives, cluster }) => ingressRequirements({ collectives, cluster }),
  keys: () => callersKeys(it),
  ...ARRIVALS,
  observable: ofCollectiveIngress,
  check: ingressCheck(it, name),
  create: (around, services) =>
    createChoriaCollectiveIngress({
      name,
      around,
      services,
      verifier: callersVerifier(name, it, services),
    }),
});
