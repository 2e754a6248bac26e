import { Rejection, type RejectionCode } from '../../../envelope/rejection.ts';

/** Codes of JSON-RPC 2.0, and after them this protocol's own. */
export const ERROR_CODES = {
  parse: -32700,
  invalidRequest: -32600,
  unknownMethod: -32601,
  invalidParams: -32602,
  refused: -32000,
  denied: -32001,
  noMapping: -32002,
  unknownCollective: -32003,
  overload: -32004,
  draining: -32005,
  unknownCall: -32006,
  expired: -32007,
} as const;

/** Those that a client may want to tell apart; `data.code` names each. */
const BY_REJECTION: Readonly<Partial<Record<RejectionCode, number>>> = {
  malformed_json: ERROR_CODES.parse,
  denied_by_policy: ERROR_CODES.denied,
  no_mapping: ERROR_CODES.noMapping,
  privileged_mapping: ERROR_CODES.noMapping,
  no_signing_key: ERROR_CODES.noMapping,
  collective_not_exported: ERROR_CODES.unknownCollective,
  overloaded: ERROR_CODES.overload,
  rate_limited: ERROR_CODES.overload,
  draining: ERROR_CODES.draining,
  expired: ERROR_CODES.expired,
  unsupported_filter: ERROR_CODES.invalidParams,
  too_many_targets: ERROR_CODES.invalidParams,
};

/** What is wrong with a message of a client, as it is told. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: number;
  /** For counters; undefined where the bridge has counted it. */
  readonly rejection: Rejection | undefined;
  /** As `data.code` says it. */
  readonly reason: RejectionCode;

  constructor(code: number, rejection: Rejection, isCounted: boolean) {
    super(rejection.message);
    this.code = code;
    this.reason = rejection.code;
    this.rejection = isCounted ? undefined : rejection;
  }
}

/** Of JSON-RPC itself. */
export const badMessage = (
  kind: keyof typeof ERROR_CODES,
  reason: RejectionCode,
  sentence: string,
): CallError => new CallError(ERROR_CODES[kind], new Rejection(reason, sentence), false);

/** @param isCounted whether the bridge has counted it already */
export const refusedCall = (rejection: Rejection, isCounted = false): CallError =>
  new CallError(BY_REJECTION[rejection.code] ?? ERROR_CODES.refused, rejection, isCounted);
