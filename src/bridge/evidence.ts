import { isOpaque, namedNodes, type Request } from '../envelope/message.ts';

/** How much it says where nobody answers a request. */
export type Evidence = 'none' | 'weak' | 'strong';

/**
 * Of a request whose sender wants no reply nothing is awaited. A broadcast that only some nodes are meant by may have met
 * none, and those say nothing: by itself it is weak. Whom one means that passes unchanged nobody has read. Filters by agent
 * do not count: clients write them into every request.
 */
export const evidenceOf = (request: Request): Evidence => {
  const { targets, payload } = request;
  if (payload.kind === 'rpc' && (payload.processResults ?? payload.data.get('process_results')) === false)
    return 'none';
  if (namedNodes(targets) !== undefined) return 'strong';
  if (isOpaque(request)) return 'weak';
  const { fact, cfClass, identity, compound } = request.filter;
  return fact.length + cfClass.length + identity.length + compound.length > 0 ? 'weak' : 'strong';
};
