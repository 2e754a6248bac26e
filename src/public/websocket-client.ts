/** `mcbridge/websocket-client`: asks by an ingress for WebSockets, in browsers and Node.js. It needs nothing else of mcbridge. */
export { Call, type Collected } from '../websocket-client/call.ts';
export { WebSocketClient, type WebSocketClientOptions } from '../websocket-client/client.ts';
export type { ConnectionOptions } from '../websocket-client/connection.ts';
export { ConnectionLost, RequestRefused } from '../websocket-client/errors.ts';
export type {
  CallQuestion,
  DiscoverQuestion,
  Done,
  ExplainQuestion,
  Gap,
  Json,
  NodeFilter,
  NodeReply,
  SessionInfo,
  WebSocketLike,
  WebSocketMaker,
} from '../websocket-client/types.ts';
