// @ts-check
import { randomBytes } from 'node:crypto';
import { asRejection, EMPTY_FILTER, PendingDiscoveries, Rejection, sendVia } from 'mcbridge/adapter';
import { QUESTION_PLACES, questionAt, questionPlace, requestPlace } from './places.js';
import { decodeReply, documentIn, encodeRequest, failureIn, REQUEST_ID } from './wire.js';

/** @import { Discover, EgressServices, IncomingMessage, ReplySink } from 'mcbridge/adapter' */

/**
 * @typedef {Pick<EgressServices, 'link' | 'clock'> & {
 *   readonly identity: string,
 *   readonly discoveryCaller: string,
 * }} DiscoveryOptions
 */

/** Seconds that an answer to the bridge's own question may take. */
const TTL = 60;

/**
 * How the bridge itself sends discovery: what `nodes`, the inventory and directed requests need.
 * @param {DiscoveryOptions} options
 */
export const createDiscovery = ({ link, clock, identity, discoveryCaller: caller }) => {
  const pendingDiscoveries = new PendingDiscoveries(clock);

  /** @type {ReplySink | undefined} */
  let sink;
  /** @type {Promise<unknown> | undefined} */
  let subscribed;

  /** @param {IncomingMessage} message */
  const onAnswer = (message) => {
    try {
      const failure = failureIn(message);
      if (failure !== undefined) throw failure;
      const { requestId, sender, payload } = decodeReply(documentIn(message.body));
      if (requestId !== questionAt(message.destination))
        throw new Rejection('requestid_mismatch', 'it came with the answer to another question', { sender });
      const found = pendingDiscoveries.find(requestId);
      if (payload.kind !== 'discovery')
        throw new Rejection('unsupported_body', 'it is no reply of the agent discovery', { sender });
      found(sender);
    } catch (error) {
      const rejection = asRejection(error);
      pendingDiscoveries.refuse(rejection);
      sink?.rejected(rejection);
    }
  };

  /** Once; by whoever comes first: `mcbridge check --probe` asks an egress that is not started. */
  const subscribe = () => {
    subscribed ??= link.subscribe({
      destination: QUESTION_PLACES,
      // So that no recording has it: a replay does not ask.
      purpose: 'discovery',
      onMessage: onAnswer,
    });
    return subscribed;
  };

  return {
    /** @param {ReplySink} replies */
    listen: (replies) => {
      sink = replies;
      return subscribe();
    },

    /** @type {Discover} */
    discover: async (collective, found, unread) => {
      await subscribe();
      const id = randomBytes(16).toString('hex');
      const now = clock();
      pendingDiscoveries.ask(id, TTL, found, unread);
      sendVia(link, {
        destination: requestPlace(collective),
        replyTo: questionPlace(id),
        headers: { [REQUEST_ID]: id },
        body: encodeRequest({
          id,
          collective,
          agent: 'discovery',
          sender: identity,
          caller,
          time: now,
          ttl: TTL * 1000,
          filter: EMPTY_FILTER,
          nodes: undefined,
          payload: { kind: 'discovery' },
        }),
        expires: now + TTL * 1000,
        purpose: 'discovery',
      });
    },
  };
};
