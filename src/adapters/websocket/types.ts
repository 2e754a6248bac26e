import { defineIngress } from '../adapter-type.ts';
import { webSocketAdapter } from './adapter.ts';
import { webSocketIngress } from './config.ts';

/** Clients that come over WebSockets: pages, and programs of any language. */
export const webSocketIngressType = defineIngress({
  type: 'websocket',
  transport: 'ws',
  anyServer: 'ws://127.0.0.1:8443',
  opaque: undefined,
  schema: webSocketIngress,
  adapt: webSocketAdapter,
});
