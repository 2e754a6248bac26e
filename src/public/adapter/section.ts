/** The section of bridge.yaml: its leaves, each with what to say where its value is wrong, and the files that it names. */

export { z } from 'zod';
export { checkNats, type NatsConnection, natsFields, natsOf } from '../../adapters/kit/nats/config.ts';
export { type CamelKeys, camelKeys } from '../../config/camel-keys.ts';
export type { SchemaContext } from '../../config/context.ts';
export {
  ALWAYS,
  bool,
  bytes,
  choice,
  field,
  integer,
  type JsonType,
  keysOf,
  orVariable,
  path,
  pattern,
  refuse,
  seconds,
  secret,
  setting,
  text,
  token,
} from '../../config/fields.ts';
export { type ParseFile, type ReadFile, readFailure } from '../../config/files.ts';
export type { KeyFiles } from '../../config/key-files.ts';
export { checkLocalEgress, localEgressFields, localEgressOf } from '../../config/local-egress.ts';
export type { NameRules } from '../../config/name-rules.ts';
export { type DiscoveryConfig, type NodesConfig, nodesFields, nodesOf } from '../../config/nodes.ts';
export {
  ANY_CERTIFICATE_NAMES,
  CALLERS,
  CERTIFICATE_NAMES,
  type Names,
} from '../../config/pattern/meaning.ts';
export { ConfigError, type KeyPath, type Problem } from '../../config/problem.ts';
export { Secret } from '../../config/secret.ts';
export type { Share } from '../../config/share.ts';
export {
  type BufferConfig,
  buffer,
  DEFAULT_TLS,
  floorFields,
  floorOf,
  pairOf,
  parseServer,
  type Scheme,
  type Server,
  type TlsConfig,
  type TlsFloor,
  tls,
  url,
  userAndPassword,
} from '../../config/shared.ts';
