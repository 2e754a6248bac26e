/**
 * `mcbridge/client`: a small Choria client of protocol 1. It asks over a link to NATS that its owner opens and closes, as
 * {@link createNatsLink} makes one.
 */
export {
  type Answer,
  type ChoriaClient,
  type ChoriaClientOptions,
  type ClientReply,
  createChoriaClient,
  type DiscoverQuestion,
  type RpcQuestion,
  type Sender,
  type TimedReply,
  type Writing,
} from '../client/index.ts';
export type { FactFilter, FactOperator, Filter } from '../envelope/filter.ts';
export type { Hop, ReplyPayload } from '../envelope/message.ts';
export { Rejection, type RejectionCode } from '../envelope/rejection.ts';
export { Float, type Value, type ValueMap } from '../envelope/value.ts';
export { type Link, LinkError, type LinkErrorCode, type LinkEvent } from '../transport/link.ts';
export { createNatsLink, type NatsLinkOptions, type NatsTls } from '../transport/nats/index.ts';
