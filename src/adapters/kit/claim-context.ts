import type { RejectionContext } from '../../envelope/rejection.ts';

/** What a request says of itself, whatever is proven of it. */
export interface RequestClaim {
  readonly requestId: string;
  readonly senderId: string;
  readonly callerId: string;
  readonly agent: string;
  readonly collective: string;
}

/** The same for a refusal. */
export const contextOf = ({
  requestId,
  senderId,
  callerId,
  agent,
  collective,
}: RequestClaim): RejectionContext => ({
  requestId,
  sender: senderId,
  caller: callerId,
  agent,
  collective,
});
