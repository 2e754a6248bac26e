import type { RejectionCode } from '../envelope/rejection.ts';

/** A message that came to nothing. */
export interface Refusal {
  readonly code: RejectionCode;
  /** As the message says them itself. */
  readonly requestId?: string;
  readonly sender?: string;
  /** In words, for people. */
  readonly sentence: string;
}

/** Told of what the bridge does, message by message, whatever of it is logged. */
export interface BridgeObserver {
  /** A message was refused as it came in or went out, or a reply could not be sent home. */
  refused(refusal: Refusal): void;
}
