import type { Denial, DenialCode } from '../envelope/decision.ts';
import { namedNodes, type Request, type StatusCode } from '../envelope/message.ts';
import { Rejection, type RejectionCode } from '../envelope/rejection.ts';

/** As nodes say it that refuse by a policy of their own; clients and their users know it. */
const NOT_AUTHORIZED = 'You are not authorized to call this agent or action';
/** The status of that. */
const ABORTED: StatusCode = 1;

const CODES: ReadonlySet<RejectionCode> = new Set<DenialCode>(['denied_by_policy', 'rate_limited']);

/** Whether it is a policy that refuses. */
export const isDenial = ({ code }: Pick<Rejection, 'code'>): boolean => CODES.has(code);

export const denied = ({ code, rule, reason }: Denial): Rejection => {
  const why = reason ?? '';
  const said = code === 'rate_limited' ? why : `${NOT_AUTHORIZED}${why && `: ${why}`}`;
  return new Rejection(code, said, { rule });
};

/**
 * How many answers a client counts on where a policy refuses its request: one for each node that it names. Such clients wait
 * for as many, and would wait in vain.
 */
export const answersTo = (request: Request, rejection: Rejection): number =>
  isDenial(rejection) ? Math.max(1, namedNodes(request.targets)?.length ?? 1) : 1;

/** What the client is told in a reply; undefined where the error has no words and no status of its own. */
export const denialReply = ({
  code,
  message,
}: Rejection): { readonly statusCode: StatusCode; readonly statusMessage: string } | undefined =>
  code === 'denied_by_policy'
    ? { statusCode: ABORTED, statusMessage: `${message} (mcbridge: ${code})` }
    : undefined;
