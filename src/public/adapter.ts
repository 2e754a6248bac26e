/**
 * `mcbridge/adapter`: what an adapter from outside is made of. Its module has as its default export a list of what
 * `defineIngress` and `defineEgress` give back. All of the bridge that it needs it takes from here, so that both have one
 * `Rejection`, one `LinkError` and one `z`.
 */

export {
  type AdapterType,
  API_VERSION,
  type ClientAccess,
  type ClientReach,
  defineEgress,
  defineIngress,
  type EgressEntry,
  type EgressType,
  type EntrySchema,
  type Fault,
  type IngressEntry,
  type IngressType,
  type RawAdapterContext,
  type RawEntry,
  type Recorded,
  type ReplyPath,
} from '../adapters/adapter-type.ts';
export type {
  AdapterContext,
  Addressed,
  ClientProof,
  EgressAdapter,
  EgressServices,
  IngressAdapter,
  IngressServices,
  Observable,
  PageAccess,
  ReplyGroup,
  RouteView,
  Services,
  Sharing,
  Source,
  Wire,
} from '../adapters/descriptor.ts';
export type {
  CleanMessage,
  OwnWire,
  RecordedMessage,
  RedactFields,
  SharedSecrets,
} from '../adapters/kit/own-wire.ts';
export * from './adapter/check.ts';
export * from './adapter/envelope.ts';
export * from './adapter/kit.ts';
export * from './adapter/links.ts';
export * from './adapter/section.ts';
