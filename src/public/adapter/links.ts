/** Connections: what a link is and says, and what makes one of NATS, of STOMP or of a transport of your own. */

export { natsLink } from '../../adapters/kit/nats/link-options.ts';
export { checkDestination, checkSubject } from '../../transport/destination.ts';
export { type Circumstances, type ConnectStage, failureOf } from '../../transport/failure/classify.ts';
export { LinkFailure, LinkFailures } from '../../transport/failure/failure.ts';
export type { FailureKind } from '../../transport/failure/table.ts';
export { CONFIG_NAMES, type ProtocolWords, type SettingNames } from '../../transport/failure/words.ts';
export {
  type Denial,
  type IncomingMessage,
  type Link,
  LinkError,
  type LinkErrorCode,
  type LinkEvent,
  type LinkListener,
  type LinkState,
  type LinkSubscription,
  type Need,
  type OutgoingMessage,
  type Purpose,
  type Right,
  type Subscription,
  type Unsent,
} from '../../transport/link.ts';
export { createNatsLink, type NatsLinkOptions, type NatsTls } from '../../transport/nats/index.ts';
export { type NatsSettings, natsSpec } from '../../transport/nats/spec.ts';
export { type Requirement, toPublish, toSubscribe } from '../../transport/requirement.ts';
export { type Handed, SendBuffer, type SendBufferOptions } from '../../transport/send-buffer.ts';
export {
  type ConnectOptions,
  isSameLink,
  type LinkPlace,
  type LinkSide,
  type LinkSpec,
  networkId,
} from '../../transport/spec.ts';
export { createStompLink } from '../../transport/stomp/index.ts';
export type { StompLinkOptions } from '../../transport/stomp/options.ts';
export { type StompSettings, stompSpec } from '../../transport/stomp/spec.ts';
export {
  certificateFault,
  isEncrypted,
  pemKind,
  privateKeyFault,
  publicKeyFault,
} from '../../transport/tls/pem.ts';
export {
  secureContext,
  TLS_VERSIONS,
  type TlsSettings,
  type TlsVersion,
  weaknessOf,
} from '../../transport/tls/settings.ts';
export { matcher } from '../../transport/wildcard.ts';
