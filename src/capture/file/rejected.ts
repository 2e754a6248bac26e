import type { RejectionCode, RejectionContext } from '../../envelope/rejection.ts';
import type { CassetteRejected } from './format.ts';

/** A refusal as its line in a cassette says it. */
export const rejectedFields = ({
  code,
  context: { requestId, sender },
}: {
  readonly code: RejectionCode;
  readonly context: RejectionContext;
}): CassetteRejected['rejected'] => ({
  code,
  ...(requestId !== undefined && { request_id: requestId }),
  ...(sender !== undefined && { sender }),
});
