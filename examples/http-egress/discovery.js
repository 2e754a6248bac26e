// @ts-check
import { randomBytes } from 'node:crypto';
import { asRejection, EMPTY_FILTER, Questions, Rejection, sendVia } from 'mcbridge/adapter';
import { QUESTION_PLACES, questionAt, questionPlace, requestPlace } from './places.js';
import { decodeReply, documentIn, encodeRequest, failureIn, REQUEST_ID } from './wire.js';

/** @import { Egress, EgressServices, IncomingMessage, ReplySink, Subscription } from 'mcbridge/adapter' */

/**
 * @typedef {Pick<EgressServices, 'link' | 'clock'> & {
 *   readonly identity: string,
 *   readonly discoveryCaller: string,
 * }} DiscoveryOptions
 */

/** Seconds that an answer to the bridge's own question may take. */
const TTL = 60;

/**
 * How the bridge itself asks who is there: what `nodes`, the inventory and directed requests need.
 * @param {DiscoveryOptions} options
 */
export const createDiscovery = ({ link, clock, identity, discoveryCaller: caller }) => {
  const questions = new Questions(clock);

  /** @param {IncomingMessage} message @param {ReplySink} to */
  const onAnswer = (message, to) => {
    try {
      const failure = failureIn(message);
      if (failure !== undefined) throw failure;
      const { requestId, sender, payload } = decodeReply(documentIn(message.body));
      if (requestId !== questionAt(message.destination))
        throw new Rejection('requestid_mismatch', 'it came with the answer to another question', { sender });
      const found = questions.find(requestId);
      if (payload.kind !== 'discovery')
        throw new Rejection('unsupported_body', 'it is no reply of the agent discovery', { sender });
      found(sender);
    } catch (error) {
      to.rejected(asRejection(error));
    }
  };

  return {
    /** @param {ReplySink} replies @returns {Subscription} */
    subscription: (replies) => ({
      destination: QUESTION_PLACES,
      // So that no recording has it: a replay does not ask.
      purpose: 'discovery',
      onMessage: (message) => onAnswer(message, replies),
    }),

    /** @type {NonNullable<Egress['discover']>} */
    discover: async (collective, found) => {
      const id = randomBytes(16).toString('hex');
      const now = clock();
      questions.ask(id, TTL, found);
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
