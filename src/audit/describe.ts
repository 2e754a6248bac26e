import { createHash } from 'node:crypto';
import { formatJson } from '../codec/json.ts';
import type { Refused } from '../envelope/audit.ts';
import type { Decided, Decision, Passing } from '../envelope/decision.ts';
import type { Filter } from '../envelope/filter.ts';
import { isOpaque, namedNodes, type OpaqueView, type Request, type Target } from '../envelope/message.ts';
import type { Rejection } from '../envelope/rejection.ts';
import { cut } from '../envelope/text.ts';
import type { ValueMap } from '../envelope/value.ts';
import type { Asked, AuditEvent } from './event.ts';
import { type Redaction, redacted } from './redaction.ts';

export interface DescribeOptions {
  readonly redaction: Redaction;
  /** How many nodes a record names at most. */
  readonly names: number;
}

/** Longer inputs, and longer filters, are written as their hash and their length. */
const MAX_JSON_CHARS = 64 * 1024;

const shortened = (json: string): string => {
  if (json.length <= MAX_JSON_CHARS) return json;
  const sha256 = createHash('sha256').update(json).digest('hex');
  return JSON.stringify({ left_out: { bytes: Buffer.byteLength(json), sha256 } });
};

/** What can be read of a request. */
interface Readable {
  readonly caller: string | undefined;
  readonly agent: string | undefined;
  readonly action: string | undefined;
  readonly data: ValueMap | undefined;
  readonly filter: Filter | undefined;
  readonly time: number | undefined;
  readonly targets: readonly Target[];
}

/** What cannot be read for once must not keep a refusal from being written down. */
const viewOf = (view: (() => OpaqueView) | undefined): OpaqueView | undefined => {
  try {
    return view?.();
  } catch {
    return undefined;
  }
};

const readableOf = (request: Request): Readable => {
  if (!isOpaque(request)) {
    const { caller, agent, payload, filter, time, targets } = request;
    const rpc = payload.kind === 'rpc' ? payload : undefined;
    return { caller, agent, action: rpc?.action, data: rpc?.data, filter, time, targets };
  }
  const view = viewOf(request.payload.view);
  return {
    caller: view?.caller ?? request.caller,
    agent: view?.agent ?? request.agent,
    action: view?.action,
    data: view?.data,
    filter: view?.filter,
    time: undefined,
    targets: view?.targets ?? request.targets,
  };
};

const isEmpty = ({ fact, cfClass, agent, identity, compound }: Filter): boolean =>
  fact.length + cfClass.length + agent.length + identity.length + compound.length === 0;

/** As the bridge reads it; a category without entries is left out. */
const filterOf = (filter: Filter | undefined): unknown => {
  if (filter === undefined || isEmpty(filter)) return undefined;
  const { fact, cfClass, agent, identity, compound } = filter;
  const parts: Record<string, unknown> = {
    ...(fact.length > 0 && { fact }),
    ...(cfClass.length > 0 && { cf_class: cfClass }),
    ...(agent.length > 0 && { agent }),
    ...(identity.length > 0 && { identity }),
    ...(compound.length > 0 && { compound }),
  };
  return JSON.parse(shortened(JSON.stringify(parts)));
};

/** A broadcast has no number: who hears it is not known. */
const targetsOf = (targets: readonly Target[], most: number) => {
  const nodes = namedNodes(targets);
  if (nodes === undefined) return { targets: targets[0]?.kind ?? 'broadcast' };
  return { targets: nodes.length, nodes: nodes.slice(0, most) };
};

const askedOf = ({ id, sender }: Request, it: Readable, redaction: Redaction): Asked => ({
  requestId: cut(id),
  requestTime: it.time,
  caller: it.caller,
  sender: cut(sender),
  agent: it.agent && cut(it.agent),
  action: it.action && cut(it.action),
  data: it.data && shortened(formatJson(redacted(it.data, redaction))),
});

const about = (
  request: Request,
  { outgoing, routeId }: Partial<Omit<Passing, 'request'>>,
  { redaction, names }: DescribeOptions,
) => {
  const it = readableOf(request);
  const mapped = outgoing === undefined || isOpaque(outgoing) ? undefined : outgoing.caller;
  return {
    asked: askedOf(request, it, redaction),
    more: {
      flow: request.home.flow,
      mapped_caller: mapped,
      // Where nobody verified it, its sender says so of himself.
      ...(it.caller === undefined && { unverified: true }),
      ingress: request.home.ingress,
      egress: routeId?.to,
      route: routeId?.name,
      collective: cut(request.collective),
      payload: request.payload.kind,
      ...targetsOf(it.targets, names),
      filter: filterOf(it.filter),
    },
  };
};

const verdictOf = ({ shadow, ...decision }: Decision) => ({
  verdict: decision.verdict,
  rule: decision.rule,
  reason: decision.reason,
  ...(decision.verdict === 'deny' && { code: decision.code }),
  ...(shadow !== undefined && {
    shadow: { verdict: 'deny', code: shadow.code, rule: shadow.rule, reason: shadow.reason },
  }),
});

/** The record of a decision. @param time ms since the epoch */
export const ofDecision = (
  { request, decision, ...passing }: Decided,
  time: number,
  options: DescribeOptions,
): AuditEvent => {
  const { asked, more } = about(request, passing, options);
  return { kind: 'request', time, asked, more: { ...more, ...verdictOf(decision) } };
};

/** The record of a request that another step refused. */
export const ofRefusal = (
  { request, rejection, ...passing }: Refused,
  time: number,
  options: DescribeOptions,
): AuditEvent => {
  const { asked, more } = about(request, passing, options);
  const verdict = { verdict: 'refused', code: rejection.code, reason: rejection.message };
  return { kind: 'request', time, asked, more: { ...more, ...verdict } };
};

/** The record of what was let pass and did not go out. */
export const ofUnsent = (
  { code, message, context }: Rejection,
  extent: 'all' | 'some',
  route: string,
  time: number,
): AuditEvent => ({
  kind: 'unsent',
  time,
  more: { request_id: context.requestId, flow: context.flow, route, extent, code, reason: message },
});
