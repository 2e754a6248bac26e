/** What passes: requests, replies and refusals, the two ports that they pass by, and texts that hold values. */

export { decodeFilter, encodeFilter } from '../../adapters/choria/wire/index.ts';
export { decodeBase64, encodeBase64, tryDecodeBase64 } from '../../codec/base64.ts';
export { DEFAULT_JSON_LIMITS, formatJson, type JsonLimits, parseJson } from '../../codec/json.ts';
export { isCallerId, isIdentity, isRequestId, isSender, isToken } from '../../envelope/check.ts';
export type { Expression, Leaf } from '../../envelope/expression.ts';
export { EMPTY_FILTER, type FactFilter, type FactOperator, type Filter } from '../../envelope/filter.ts';
export type { Log, LogFields } from '../../envelope/log.ts';
export {
  type Hop,
  isOpaque,
  isOpaqueReply,
  namedNodes,
  type OpaqueContent,
  type OpaqueReply,
  type OpaqueRequest,
  type OpaqueRequestPayload,
  type OpaqueView,
  type PayloadKind,
  type ReadableReply,
  type ReadableReplyAddress,
  type ReadableRequest,
  type Reply,
  type ReplyAddress,
  type ReplyPayload,
  type Request,
  type RequestPayload,
  readable,
  readableReply,
  type StatusCode,
  type Target,
  UNKNOWN_ERROR,
} from '../../envelope/message.ts';
export type { BridgeObserver } from '../../envelope/observer.ts';
export type { Pattern } from '../../envelope/pattern.ts';
export type {
  Cause,
  Copy,
  Discover,
  Egress,
  Ignored,
  Ingress,
  LinkStatus,
  NodeDirectory,
  RemoteNodes,
  ReplySink,
  RequestSink,
  Step,
  Undelivered,
  Whereabouts,
} from '../../envelope/port.ts';
export {
  asRejection,
  REJECTION_CODES,
  Rejection,
  type RejectionCode,
  type RejectionContext,
} from '../../envelope/rejection.ts';
export { bytesOfRequest } from '../../envelope/size.ts';
export { cut, MAX_SENTENCE_BYTES, MAX_TEXT_BYTES, own, ownAll, quoted } from '../../envelope/text.ts';
export { type AheadLimits, checkAge, checkTime, type Life, type TimeLimits } from '../../envelope/time.ts';
export { Float, float, isMap, type Value, type ValueMap } from '../../envelope/value.ts';
