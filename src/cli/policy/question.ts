import { routeName } from '../../bridge/route-ids.ts';
import { EMPTY_FILTER, type Filter } from '../../envelope/filter.ts';
import type { Value } from '../../envelope/value.ts';
import type { Question } from '../../policy/evaluator.ts';
import { UsageError } from '../usage.ts';

/** A request in a person's words. */
export interface Asking {
  readonly caller: string;
  readonly as?: string | undefined;
  readonly agent?: string | undefined;
  readonly action?: string | undefined;
  readonly collective?: string | undefined;
  readonly ingress?: string | undefined;
  readonly egress?: string | undefined;
  readonly nodes?: readonly string[] | undefined;
  readonly filter?: Partial<Filter> | undefined;
  readonly inputs?: Iterable<readonly [string, Value]> | undefined;
  /** Ms since the epoch. */
  readonly time?: number | undefined;
}

const DISCOVERY = 'discovery';

/** Such a request as a policy is asked about it; what is not told is what is usual. @throws UsageError */
export const questionFrom = (
  asking: Asking,
  route?: { readonly ingress: string; readonly egress: string },
): Question => {
  const { caller, agent = DISCOVERY, action, nodes, time = Date.now() } = asking;
  if (action === undefined && agent !== DISCOVERY)
    throw new UsageError(`which action of ${agent}? Only discovery has none`);
  const ingress = asking.ingress ?? route?.ingress ?? 'ingress';
  const egress = asking.egress ?? route?.egress ?? 'egress';
  return {
    caller,
    as: asking.as ?? caller,
    agent,
    action: agent === DISCOVERY ? undefined : action,
    data: new Map(asking.inputs ?? []),
    collective: asking.collective ?? 'mcollective',
    ingress,
    egress,
    route: routeName(ingress, egress),
    filter: { ...EMPTY_FILTER, ...asking.filter },
    nodes: nodes === undefined || nodes.length === 0 ? undefined : nodes,
    isService: false,
    requestId: '00000000000000000000000000000000',
    time,
    expires: time + 60_000,
  };
};
