import { egressAdapter, ingressAdapter } from '../adapters/registry.ts';
import type { NameRules } from '../config/name-rules.ts';
import type { EgressConfig, IngressConfig, Named } from './types.ts';

/** Whose requests an ingress can believe. */
export const provenNames = (it: Named<IngressConfig>): NameRules => ingressAdapter(it).names;

/** For whom an egress can sign. */
export const signedNames = (it: Named<EgressConfig>): NameRules => egressAdapter(it).names;
