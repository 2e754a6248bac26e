export * from '../../../codec/base64.ts';
export * from '../../../codec/json.ts';
export { certificateNames } from '../../../pki/certificate.ts';
export * from './body.ts';
export { callerName } from './caller.ts';
export * from './dialect.ts';
export { decodeFilter, encodeFilter } from './filter.ts';
export { encodeProtocol2Reply, type Protocol2Claim, protocol2Claim } from './protocol2.ts';
export * from './reply.ts';
export {
  choriaRequestId,
  decodeRequest,
  decodeUnreadRequest,
  encodeRequest,
  type WireRequest,
  type WireRequestClaim,
} from './request.ts';
export * from './secure.ts';
export * from './stats.ts';
export * from './subjects.ts';
export * from './transport.ts';
export * from './verify.ts';
export { refuseYaml } from './yaml-request.ts';
