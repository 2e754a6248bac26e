import type { Passing } from '../envelope/decision.ts';
import { isOpaque, namedNodes, type OpaqueView, type Request, type Target } from '../envelope/message.ts';
import type { ValueMap } from '../envelope/value.ts';
import type { Question } from './evaluator.ts';

const NO_DATA: ValueMap = new Map();

type Said = Omit<OpaqueView, 'targets'>;

/** What an opaque request says is what its bytes say, for they are what nodes read. */
const saidBy = (request: Request): Said & { readonly targets: readonly Target[] } => {
  if (!isOpaque(request)) {
    const { caller, agent, filter, targets, payload } = request;
    return payload.kind === 'rpc'
      ? { caller, agent, filter, targets, action: payload.action, data: payload.data }
      : { caller, agent, filter, targets };
  }
  const view = request.payload.view?.();
  if (view === undefined) throw new Error('a policy is asked about a request that was not verified');
  // Where it goes is what brokers read: what the bytes name may be a part of it.
  return { ...view, targets: request.targets };
};

/**
 * What a policy is asked about a request that may pass: once for each collective that it is for, and it passes where all
 * answers let it.
 * @param time ms since the epoch
 * @throws Rejection for an opaque request whose bytes cannot be read
 */
export const questionsOf = (
  { request, outgoing, routeId }: Passing,
  time: number,
): readonly [Question, ...Question[]] => {
  const { caller, agent, action, data = NO_DATA, filter, targets } = saidBy(request);
  const { from: ingress, to: egress, name: route } = routeId;
  const as = isOpaque(outgoing) ? caller : outgoing.caller;
  const { requestId, expires } = request.home;
  // Made for each request: object spreads cost several times as much.
  const questionOf = (collective: string, among: readonly Target[]): Question => ({
    caller,
    as,
    agent,
    action,
    data,
    collective,
    ingress,
    egress,
    route,
    filter,
    nodes: namedNodes(among),
    isService: among.length > 0 && among.every(({ kind }) => kind === 'service'),
    requestId,
    time,
    expires,
  });
  if (!isOpaque(request)) return [questionOf(request.collective, targets)];
  const [first = request.collective, ...others] = new Set(targets.map(({ collective }) => collective));
  if (others.length === 0) return [questionOf(first, targets)];
  const part = (collective: string) =>
    questionOf(
      collective,
      targets.filter((target) => target.collective === collective),
    );
  return [part(first), ...others.map(part)];
};
