import { readableReply } from '../../envelope/message.ts';
import type { Ingress, RequestSink } from '../../envelope/port.ts';
import { Rejection } from '../../envelope/rejection.ts';
import type { IncomingMessage, LinkSubscription } from '../../transport/link.ts';
import {
  CALLER,
  FAULT,
  FROM,
  SESSION_ENDED,
  SESSION_OPENED,
  SESSION_SAID,
  UNTIL,
  UPGRADE_REFUSED,
} from '../../transport/websocket/places.ts';
import type { IngressServices } from '../descriptor.ts';
import { AllSessions } from './calls/all-sessions.ts';
import type { Environment } from './calls/environment.ts';
import type { Who } from './calls/session-calls.ts';
import { faultCode } from './faults.ts';

export interface WebSocketIngressOptions extends Pick<Environment, 'name' | 'around' | 'limits'> {
  readonly services: Environment['services'] & Pick<IngressServices, 'kept'>;
}

const whoOf = ({ replyTo = '', headers }: IncomingMessage): Who => ({
  id: replyTo,
  caller: headers[CALLER] ?? '',
  from: headers[FROM] ?? '',
  until: headers[UNTIL] === undefined ? undefined : Number(headers[UNTIL]),
});

/** What a client did wrong, as the link tells it. */
const tellFault = ({ headers, body }: IncomingMessage, sink: RequestSink): void => {
  const fault = headers[FAULT];
  if (fault === undefined) return;
  const caller = headers[CALLER];
  const about = { sender: headers[FROM] ?? '', ...(caller !== undefined && { caller }) };
  sink.rejected(new Rejection(faultCode(fault), body.toString(), about));
};

/**
 * Requests of sessions in, JSON-RPC 2.0. A session is its instance's alone, and so are its calls; they go on when the configuration
 * changes.
 */
export const createWebSocketIngress = (options: WebSocketIngressOptions): Ingress => {
  const { name, services } = options;
  const { link, kept } = services;
  const sessions = kept.of(AllSessions);
  let opened: LinkSubscription | undefined;
  let isDraining = false;
  let isClosed = false;

  return {
    name,
    accepts: ['rpc', 'discovery'],

    start: async (sink) => {
      sessions.use({ ...options, sink, isDraining: () => isDraining });
      await link.open();
      const heard = (destination: string, onMessage: (message: IncomingMessage) => void) =>
        link.subscribe({ destination, onMessage });
      await heard(SESSION_SAID, (message) => sessions.of(whoOf(message), link).take(message.body.toString()));
      await heard(SESSION_ENDED, (message) => {
        sessions.ended(message.replyTo ?? '');
        tellFault(message, sink);
      });
      await heard(UPGRADE_REFUSED, (message) => tellFault(message, sink));
      // Last: with it the link begins to listen.
      opened = await heard(SESSION_OPENED, (message) => void sessions.of(whoOf(message), link));
    },

    reply: (reply) => {
      if (isClosed) throw new Rejection('draining', 'the ingress is closed');
      sessions.reply(readableReply(reply));
    },

    drain: async () => {
      isDraining = true;
      await opened?.unsubscribe();
    },

    close: async () => {
      isClosed = true;
      await link.close();
      sessions.forgetGone();
    },

    status: () => ({ name, ...link.state() }),
  };
};
