export {
  type ChoriaClient,
  type ChoriaClientOptions,
  createChoriaClient,
  type DiscoverQuestion,
  type RpcQuestion,
} from './client.ts';
export type { Answer, TimedReply } from './collector.ts';
export type { ClientReply } from './reply.ts';
export {
  buildRequest,
  type RequestContent,
  type Sender,
  type Writing,
} from './request.ts';
