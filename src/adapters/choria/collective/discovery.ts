import { randomBytes } from 'node:crypto';
import { EMPTY_FILTER } from '../../../envelope/filter.ts';
import type { Egress, ReplySink } from '../../../envelope/port.ts';
import { asRejection, Rejection } from '../../../envelope/rejection.ts';
import type { IncomingMessage, Link } from '../../../transport/link.ts';
import { Questions } from '../../kit/questions.ts';
import { sendVia } from '../../kit/send.ts';
import {
  broadcastSubject,
  collectiveSubject,
  decodeReplyBody,
  decodeTransport,
  encodeRequest,
  encodeRequestBody,
  encodeTransport,
} from '../wire/index.ts';
import type { Credentials } from './credentials.ts';
import { openReply } from './homecoming.ts';
import type { RequestSigner } from './signing.ts';

export interface DiscoveryOptions {
  readonly link: Link;
  readonly identity: string;
  readonly credentials: Pick<Credentials, 'forDiscovery'>;
  readonly sign: RequestSigner;
  readonly maxMessageBytes: number;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

const AGENT = 'discovery';
/** Choria's default, in seconds. */
const TTL = 60;

/**
 * Asks who is there, in the bridge's own name. The answers come to a subject of this instance alone. It has the form of
 * a Federation Broker's, of a cluster that nobody is in: whoever takes in requests on this network, this bridge or
 * another, knows by it that the question is a broker's and is not to be carried on.
 */
export const createDiscovery = (
  options: DiscoveryOptions,
  sink: () => ReplySink | undefined,
): NonNullable<Egress['discover']> => {
  const { link, identity, credentials, sign, clock } = options;
  const answers = collectiveSubject(randomBytes(12).toString('hex'));
  const questions = new Questions(clock);
  let subscribed: Promise<unknown> | undefined;

  const onMessage = ({ body }: IncomingMessage): void => {
    try {
      const transport = decodeTransport(body, { maxBytes: options.maxMessageBytes });
      const { requestId, senderId, agent, message } = openReply(transport);
      const found = questions.find(requestId);
      if (agent !== AGENT)
        throw new Rejection('agent_mismatch', `it is a reply of the agent ${agent}, ${AGENT} was asked`);
      decodeReplyBody(message, AGENT);
      found(senderId);
    } catch (error) {
      sink()?.rejected(asRejection(error));
    }
  };

  /** Once, when it is first needed: not every bridge asks. */
  const subscribe = async (): Promise<void> => {
    subscribed ??= link.subscribe({ destination: answers, purpose: 'discovery', onMessage });
    try {
      await subscribed;
    } catch (error) {
      subscribed = undefined;
      throw asRejection(error);
    }
  };

  return async (collective, found) => {
    await subscribe();
    const { caller, credential } = credentials.forDiscovery();
    const now = Math.floor(clock() / 1000);
    const requestId = randomBytes(16).toString('hex');
    const text = encodeRequest({
      requestId,
      senderId: identity,
      callerId: caller,
      collective,
      agent: AGENT,
      ttl: TTL,
      time: now,
      filter: EMPTY_FILTER,
      message: encodeRequestBody({ kind: 'discovery' }, { agent: AGENT, callerId: caller }, 'ruby'),
    });
    const content = await sign(text, credential);
    const federation = { request: requestId };
    questions.ask(requestId, TTL, found);
    sendVia(link, {
      destination: broadcastSubject(collective, AGENT),
      body: Buffer.from(encodeTransport({ content, replyTo: answers, sender: identity, federation })),
      expires: (now + TTL) * 1000,
      purpose: 'discovery',
    });
  };
};
