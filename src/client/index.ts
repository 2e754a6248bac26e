export { type ChoriaClient, type ChoriaClientOptions, createChoriaClient } from './client.ts';
export type { Answer, TimedReply } from './collector.ts';
export {
  buildRequest,
  GROUP,
  type ReadyRequest,
  type RequestContent,
  type Sender,
  type Writing,
} from './request.ts';
