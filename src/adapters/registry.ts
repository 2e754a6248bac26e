import type { AdapterType, EgressType, IngressType } from './adapter-type.ts';
import { collectiveEgressType } from './choria/egress-types.ts';
import { collectiveIngressType, federationType } from './choria/ingress-types.ts';
import { mcollectiveEgressType, mcollectiveIngressType } from './mcollective/types.ts';
import { webSocketIngressType } from './websocket/types.ts';

/** The kinds of ingress and egress that a configuration can have. */
export interface Registry {
  /** In the order in which they count where several would do. */
  readonly ingressTypes: readonly IngressType[];
  readonly egressTypes: readonly EgressType[];
  /** The kind of ingress of that type; undefined where there is none, or where it is not text. */
  ingress(type: unknown): IngressType | undefined;
  /** As {@link ingress}. */
  egress(type: unknown): EgressType | undefined;
}

/** @param types each once a side */
export const createRegistry = (types: readonly AdapterType[]): Registry => {
  const ingressTypes = types.filter((it) => it.side === 'ingress');
  const egressTypes = types.filter((it) => it.side === 'egress');
  return {
    ingressTypes,
    egressTypes,
    ingress: (type) => ingressTypes.find((it) => it.type === type),
    egress: (type) => egressTypes.find((it) => it.type === type),
  };
};

/** What this package brings along; a new protocol adds a line for each side. */
export const BUILT_IN: Registry = createRegistry([
  federationType,
  collectiveIngressType,
  mcollectiveIngressType,
  webSocketIngressType,
  mcollectiveEgressType,
  collectiveEgressType,
]);
