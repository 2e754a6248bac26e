import { cut, errorText, MAX_SENTENCE_BYTES } from './text.ts';

/**
 * Why a message could not be handled. The code is what counters, logs and tests name; it never changes meaning.
 */
export const REJECTION_CODES = [
  // the bytes are not what the protocol says
  'too_large',
  'malformed_json',
  'malformed_base64',
  'malformed_marshal',
  'malformed_yaml',
  'limit_exceeded',
  'wrong_protocol',
  'missing_field',
  'invalid_field',
  'unsupported_value',
  'unsupported_filter',
  'unsupported_body',
  // who says it
  'invalid_signature',
  'invalid_hash',
  'untrusted_certificate',
  'certificate_expired',
  'certificate_usage',
  'certificate_revoked',
  'revocation_unknown',
  'invalid_callerid',
  'caller_mismatch',
  'caller_not_allowed',
  'no_signing_key',
  // when and where to
  'expired',
  'from_the_future',
  'invalid_reply_to',
  'invalid_target',
  'too_many_targets',
  'collective_not_exported',
  'collective_mismatch',
  'agent_mismatch',
  'no_mapping',
  'privileged_mapping',
  'loop',
  'denied_by_policy',
  'rate_limited',
  'audit_unavailable',
  // reply tokens
  'token_malformed',
  'token_forged',
  'token_expired',
  'requestid_mismatch',
  'unexpected_sender',
  // this bridge, now
  'not_permitted',
  'far_side_failed',
  'overloaded',
  'draining',
  'internal',
] as const;

export type RejectionCode = (typeof REJECTION_CODES)[number];

/** What is known of the message when it is refused; all of it unverified unless the code comes after verification. */
export interface RejectionContext {
  /** The bridge's own id of the request, once it has taken it. */
  readonly flow?: string;
  readonly requestId?: string;
  readonly sender?: string;
  readonly caller?: string;
  readonly agent?: string;
  readonly collective?: string;
  /** What of a policy refused it. */
  readonly rule?: string;
}

const shortened = (context: RejectionContext): RejectionContext =>
  Object.fromEntries(Object.entries(context).map(([name, text]: [string, string]) => [name, cut(text)]));

/** A message that cannot be handled: typed, counted, logged once and, where possible, answered. */
export class Rejection extends Error {
  override readonly name = 'Rejection';
  readonly code: RejectionCode;
  readonly context: RejectionContext;

  /**
   * @param message a sentence for the person at the client: the cause, without secrets. What it and the context quote of
   *   the message is cut where it is too long for a log line and an answer
   */
  constructor(code: RejectionCode, message: string, context: RejectionContext = {}, options?: ErrorOptions) {
    super(cut(message, MAX_SENTENCE_BYTES), options);
    this.code = code;
    this.context = shortened(context);
  }

  /** The same rejection, knowing more of the message. What it knew already stays. */
  with(context: RejectionContext): Rejection {
    return new Rejection(this.code, this.message, { ...context, ...this.context }, { cause: this.cause });
  }
}

/** Any thrown thing as a rejection: a bug in a codec must not take the bridge down, nor pass silently. */
export const asRejection = (error: unknown, context: RejectionContext = {}): Rejection => {
  if (error instanceof Rejection) return error.with(context);
  const message = errorText(error);
  return new Rejection('internal', `internal error: ${message}`, context, { cause: error });
};
