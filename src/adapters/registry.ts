import type { EgressType, IngressType } from './adapter-type.ts';
import { collectiveEgressType } from './choria/egress-types.ts';
import { collectiveIngressType, federationType } from './choria/ingress-types.ts';
import type { EgressAdapter, IngressAdapter } from './descriptor.ts';
import { mcollectiveEgressType, mcollectiveIngressType } from './mcollective/types.ts';

/** Every kind of ingress; a new protocol adds a line. */
export const INGRESS_TYPES = [federationType, collectiveIngressType, mcollectiveIngressType] as const;

/** Every kind of egress; a new protocol adds a line. */
export const EGRESS_TYPES = [mcollectiveEgressType, collectiveEgressType] as const;

type ConfigOf<T> = T extends IngressType<infer C> | EgressType<infer C> ? C : never;

export type IngressConfig = ConfigOf<(typeof INGRESS_TYPES)[number]>;
export type EgressConfig = ConfigOf<(typeof EGRESS_TYPES)[number]>;

type Named<T> = T & { readonly name: string };

/** The kind of ingress of that type; undefined where there is none, or where it is no text. */
export const ingressType = (type: unknown): IngressType | undefined =>
  INGRESS_TYPES.find((it) => it.type === type);

/** The kind of egress of that type; undefined where there is none, or where it is no text. */
export const egressType = (type: unknown): EgressType | undefined =>
  EGRESS_TYPES.find((it) => it.type === type);

const known = <T>(found: T | undefined, type: string): T => {
  if (found === undefined) throw new Error(`there is no adapter of type ${type}`);
  return found;
};

/** What the protocol of an ingress says of it. */
export const ingressAdapter = (it: Named<IngressConfig>): IngressAdapter =>
  known(ingressType(it.type)?.adapterOf(it), it.type);

/** What the protocol of an egress says of it. */
export const egressAdapter = (it: Named<EgressConfig>): EgressAdapter =>
  known(egressType(it.type)?.adapterOf(it), it.type);
