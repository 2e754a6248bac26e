/**
 * `mcbridge/testing`: what the bridge relies on in every adapter and every link, as tests, and brokers inside a process. The
 * suites are written for vitest, which their caller has to install; nothing else of mcbridge needs it.
 */

export { DISK, type KeyFiles, memoryFiles, withStandIns } from '../config/key-files.ts';
export {
  type Authority,
  type AuthorityOptions,
  type CertificateOptions,
  type KeyPair,
  type KeyUsage,
  makeAuthority,
  makeKeyPair,
} from '../pki/authority.ts';
export { type Delivered, type EgressStage, egressContract, requestAt } from '../testing/egress-contract.ts';
export { ingressContract } from '../testing/ingress-contract.ts';
export type { Answer, IngressLimits, IngressStage, Proof, Question } from '../testing/ingress-stage.ts';
export { type LinkHarness, linkContract } from '../testing/link-contract.ts';
export { freePort, freePorts } from '../testing/ports.ts';
export {
  type SendBufferLimits,
  type SendingHarness,
  type SendingStage,
  sendingContract,
} from '../testing/sending-contract.ts';
export { toAll, toNodes } from '../testing/targets.ts';
export { startTcpServer, type TcpServer } from '../testing/tcp-server.ts';
export { until } from '../testing/until.ts';
export { type BrokerRules, MemoryBroker, NATS_RULES, STOMP_RULES } from '../transport/memory/broker.ts';
