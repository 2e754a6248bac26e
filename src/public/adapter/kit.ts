/** What adapters share: reply tokens, sending, signing, keys of callers, and copies of one request. */

export { ByteBudget } from '../../adapters/kit/byte-budget.ts';
export { type CallerFolderOptions, openCallerFolder } from '../../adapters/kit/caller-folder.ts';
export { type Copied, claimKey, refusalKey } from '../../adapters/kit/claim-key.ts';
export { Handled } from '../../adapters/kit/handled.ts';
export { Kept } from '../../adapters/kit/kept.ts';
export type { KeyUse } from '../../adapters/kit/key-use.ts';
export { clientPem, floor, limits, sectionOf, tlsSettings } from '../../adapters/kit/link-settings.ts';
export { withNodeHop } from '../../adapters/kit/node-hop.ts';
export { type Found, PendingDiscoveries, type Unread } from '../../adapters/kit/pending-discoveries.ts';
export { RequestCoalescer, type RequestCoalescerOptions } from '../../adapters/kit/request-coalescer.ts';
export { type NotSent, notSentTo, sendAllVia, sendVia } from '../../adapters/kit/send.ts';
export { tellSigned } from '../../adapters/kit/signed.ts';
export {
  createSigningQueue,
  type SigningQueue,
  type SigningQueueOptions,
} from '../../adapters/kit/signing-queue.ts';
export { networkKey } from '../../adapters/kit/token/network-key.ts';
export {
  checkReplyToken,
  decodeToken,
  encodeToken,
  readToken,
  type TokenContext,
  type VerifiedReplyToken,
} from '../../adapters/kit/token.ts';
export {
  type SigningAlgorithm,
  type SigningJob,
  SigningPool,
  type SigningPriority,
} from '../../pki/signing-pool.ts';
