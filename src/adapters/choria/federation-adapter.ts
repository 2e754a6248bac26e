import type { AdapterContext, IngressAdapter } from '../descriptor.ts';
import { natsLink } from '../kit/nats/link-options.ts';
import { callersKeys, callersVerifier } from './callers-keys.ts';
import { ingressCheck } from './check/ingress.ts';
import { ingressRequirements } from './federation/requirements.ts';
import type { ChoriaFederationConfig } from './federation-config.ts';
import { createChoriaFederationIngress } from './federation-ingress.ts';
import { CHORIA_NAMES } from './names.ts';
import { ofFederation } from './observable.ts';
import { federationSubject } from './wire/index.ts';

/** The collectives whose requests pass unchanged; those of one route share one mode, so that no request mixes routes. */
const opaqueOf = ({ routes }: AdapterContext): ReadonlyMap<string, { readonly verify: boolean }> =>
  new Map(
    routes
      .filter(({ isOpaque }) => isOpaque)
      .flatMap(({ collectives, verify }) => {
        const mode = { verify };
        return collectives.map((collective) => [collective, mode] as const);
      }),
  );

export const federationAdapter = (it: ChoriaFederationConfig, name: string): IngressAdapter => ({
  name,
  type: it.type,
  label: it.type,
  wire: { format: 'choria' },
  names: CHORIA_NAMES,
  cluster: it.cluster,
  standsForNodes: false,
  localEgress: undefined,
  share: undefined,
  carriesStatistics: true,
  link: natsLink(it, { name, side: 'ingress' }),
  requirements: ({ collectives }) =>
    ingressRequirements({
      cluster: it.cluster,
      replyCollectives: [...new Set([...collectives, ...it.replyCollectives])],
    }),
  keys: () => callersKeys(it),
  takes: () => (destination) => destination === federationSubject(it.cluster),
  directedTo: () => undefined,
  observable: (around) => ofFederation(it.cluster, around),
  check: ingressCheck(it, name),
  create: (around, services) =>
    createChoriaFederationIngress({
      name,
      config: it,
      around,
      services,
      verifier: callersVerifier(name, it, services),
      replyCollectives: new Set([...around.collectives, ...it.replyCollectives]),
      opaque: opaqueOf(around),
    }),
});
