import { natsSpec } from '../../transport/nats/spec.ts';
import type { IngressAdapter } from '../descriptor.ts';
import { callersCaPath } from './callers-config.ts';
import { callersKeys } from './callers-keys.ts';
import { ingressCheck } from './check/ingress.ts';
import { ARRIVALS } from './collective/arrivals.ts';
import { ingressRequirements } from './collective/requirements.ts';
import { createChoriaCollectiveIngress } from './collective-ingress.ts';
import type { ChoriaCollectiveIngressConfig } from './collective-ingress-config.ts';
import { natsOptions } from './link-options.ts';
import { CHORIA_NAMES } from './names.ts';
import { ofCollectiveIngress } from './observable.ts';
import { createCallerVerifier } from './wire/index.ts';

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
  link: (around, read) =>
    natsSpec({ name, side: 'ingress' }, natsOptions(it, ['ingresses', name], around, read)),
  requirements: ({ collectives, cluster }) => ingressRequirements({ collectives, cluster }),
  keys: () => callersKeys(it),
  ...ARRIVALS,
  observable: ofCollectiveIngress,
  check: ingressCheck(it, name),
  create: (around, { link, parse, residents, collect, clock }) =>
    createChoriaCollectiveIngress({
      name,
      link,
      cluster: around.cluster,
      collectives: around.collectives,
      verifier: parse(it.callers.ca, callersCaPath(name, it), (ca) =>
        createCallerVerifier({ ...it.callers, ca: ca.toString() }),
      ),
      residents,
      maxMessageBytes: around.maxMessageBytes,
      maxTargets: around.maxTargets,
      collect,
      maxTtl: around.maxTtl,
      clock,
    }),
});
