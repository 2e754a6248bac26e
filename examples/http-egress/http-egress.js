// @ts-check
import { defineEgress } from 'mcbridge/adapter';
import { httpAdapter } from './adapter.js';
import { httpSchema } from './config.js';
import { REPLY_PATH } from './places.js';

/** What `adapters: [./http-egress/http-egress.js]` loads: a list of types. This one is an egress that asks an HTTP server. */
export default [
  defineEgress({
    // As in bridge.yaml. Messages, logs and cassettes name it so too.
    type: 'http',
    transport: 'http',
    anyServer: 'https://127.0.0.1/',
    opaque: undefined,
    schema: httpSchema,
    adapt: httpAdapter,
    replyPath: REPLY_PATH,
  }),
];
