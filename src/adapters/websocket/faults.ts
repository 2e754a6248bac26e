import type { RejectionCode } from '../../envelope/rejection.ts';
import type { SessionFault } from '../../transport/websocket/refusal.ts';

/** What the link counts as a client's fault, in the vocabulary of messages. */
const CODES: Readonly<Record<string, RejectionCode>> = {
  bad_upgrade: 'invalid_field',
  wrong_host: 'caller_not_allowed',
  wrong_origin: 'caller_not_allowed',
  no_credentials: 'missing_field',
  invalid_token: 'invalid_signature',
  token_ended: 'expired',
  untrusted_certificate: 'untrusted_certificate',
  revoked_certificate: 'certificate_revoked',
  no_name: 'invalid_callerid',
  keys_unknown: 'far_side_failed',
  too_many_sessions: 'overloaded',
  bad_subprotocol: 'wrong_protocol',
  not_utf8: 'malformed_json',
  binary: 'unsupported_body',
  too_large: 'too_large',
  too_many_fragments: 'limit_exceeded',
  bad_frame: 'wrong_protocol',
  slow_reader: 'overloaded',
  silent: 'expired',
} satisfies Record<SessionFault, RejectionCode>;

export const faultCode = (fault: string): RejectionCode => CODES[fault] ?? 'internal';
