import { randomBytes } from 'node:crypto';
import { EMPTY_FILTER } from '../../../envelope/filter.ts';
import type { Discover, ReplySink } from '../../../envelope/port.ts';
import { asRejection, Rejection } from '../../../envelope/rejection.ts';
import type { IncomingMessage } from '../../../transport/link.ts';
import { PendingDiscoveries } from '../../kit/pending-discoveries.ts';
import { sendVia } from '../../kit/send.ts';
import { subscribeOnce } from '../../kit/subscribe-once.ts';
import {
  broadcastSubject,
  collectiveSubject,
  decodeReplyBody,
  decodeTransport,
  encodeRequest,
  encodeRequestBody,
  encodeTransport,
} from '../wire/index.ts';
import type { SigningEgressOptions } from './options.ts';
import { verifyNodeReply } from './reply-correlation.ts';
import type { RequestSigner } from './signing.ts';

const AGENT = 'discovery';
/** Choria's default, in seconds. */
const TTL_SECONDS = 60;

/**
 * Sends discovery, in the bridge's own name unless told. The answers come to a subject of this instance alone. It has the form of
 * a Federation Broker's, of a cluster without members: whatever takes in requests on this network, this bridge or
 * another, knows by it that the question is a broker's and is not to be carried on.
 */
export const createDiscovery = (
  { around, services, credentials }: SigningEgressOptions,
  sign: RequestSigner,
  sink: () => ReplySink | undefined,
): Discover => {
  const { link, clock } = services;
  const { identity, maxMessageBytes } = around;
  const answers = collectiveSubject(randomBytes(12).toString('hex'));
  const pendingDiscoveries = new PendingDiscoveries(clock);

  const onMessage = ({ body }: IncomingMessage): void => {
    try {
      const transport = decodeTransport(body, { maxBytes: maxMessageBytes });
      const { requestId, senderId, agent, message, time } = verifyNodeReply(transport);
      const found = pendingDiscoveries.find(requestId);
      if (agent !== AGENT)
        throw new Rejection('agent_mismatch', `it is a reply of the agent ${agent}, ${AGENT} was asked`);
      decodeReplyBody(message, AGENT);
      found(senderId, time * 1000);
    } catch (error) {
      const rejection = asRejection(error);
      pendingDiscoveries.refuse(rejection);
      sink()?.rejected(rejection);
    }
  };

  const subscribe = subscribeOnce(link, { purpose: 'discovery', onMessage });

  return async (collective, found, unread, as) => {
    await subscribe(answers);
    const { caller, credential } =
      as === undefined ? credentials.forDiscovery() : { caller: as, credential: credentials.forCaller(as) };
    const now = Math.floor(clock() / 1000);
    const requestId = randomBytes(16).toString('hex');
    const text = encodeRequest({
      requestId,
      senderId: identity,
      callerId: caller,
      collective,
      agent: AGENT,
      ttl: TTL_SECONDS,
      time: now,
      filter: EMPTY_FILTER,
      message: encodeRequestBody({ kind: 'discovery' }, { agent: AGENT, callerId: caller }, 'ruby'),
    });
    const content = await sign(text, credential);
    const federation = { request: requestId };
    pendingDiscoveries.ask(requestId, TTL_SECONDS, found, unread);
    sendVia(link, {
      destination: broadcastSubject(collective, AGENT),
      body: Buffer.from(encodeTransport({ content, replyTo: answers, sender: identity, federation })),
      expires: (now + TTL_SECONDS) * 1000,
      purpose: 'discovery',
    });
  };
};
