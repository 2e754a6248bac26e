// @ts-check
import {
  asRejection,
  checkReplyToken,
  encodeToken,
  namedNodes,
  notSentTo,
  Rejection,
  readable,
  readToken,
  sendAllVia,
  withNodeHop,
} from 'mcbridge/adapter';
import { createDiscovery } from './discovery.js';
import { partsOf, replyPlace, replyPlaces, requestPlace } from './places.js';
import { Seen } from './seen.js';
import { decodeReply, documentIn, encodeRequest, failureIn, REQUEST_ID } from './wire.js';

/** @import { DiscoveryOptions } from './discovery.js' */
/** @import { Egress, EgressServices, IncomingMessage, Pattern, ReadableReply, ReadableRequest, VerifiedReplyToken, ReplySink } from 'mcbridge/adapter' */

/**
 * @typedef {DiscoveryOptions & Pick<EgressServices, 'tokenKey' | 'otherTokenKeys'> & {
 *   readonly name: string,
 *   readonly cluster: string,
 *   readonly callers: readonly Pattern[] | undefined,
 * }} HttpEgressOptions
 */

/** Nodes that one POST names, so that its reply token stays short enough for a header. */
const NODES_PER_POST = 200;
/** Replies that are remembered, so that a node's second one is refused. */
const REMEMBERED = 50_000;

/** @param {readonly string[]} nodes */
const inGroups = (nodes) =>
  Array.from({ length: Math.ceil(nodes.length / NODES_PER_POST) }, (_, i) =>
    nodes.slice(i * NODES_PER_POST, (i + 1) * NODES_PER_POST),
  );

/** @param {HttpEgressOptions} options @returns {Egress} */
export const createHttpEgress = (options) => {
  const { name, link, identity, cluster, tokenKey, otherTokenKeys, clock, callers } = options;
  const discovery = createDiscovery(options);
  /** Whose replies have come, and of whose failures it was told. */
  const seen = new Seen(REMEMBERED);

  /** @param {string} collective */
  const tokenContext = (collective) => ({
    ...{ key: tokenKey, otherKeys: otherTokenKeys },
    ...{ cluster, protocol: 'http', collective },
  });

  /** @param {VerifiedReplyToken} pass @param {'answered' | 'told'} what @param {string} sender */
  const keyOf = ({ home: { flow, requestId } }, what, sender) => `${flow ?? requestId} ${what} ${sender}`;

  /** @param {IncomingMessage} message @param {VerifiedReplyToken} pass @returns {ReadableReply} */
  const replyFrom = (message, pass) => {
    const { home, asked, broadcast } = pass;
    const failure = failureIn(message);
    if (failure !== undefined) throw failure;
    const { requestId, sender, payload } = decodeReply(documentIn(message.body));
    try {
      if (requestId !== home.requestId)
        throw new Rejection(
          'requestid_mismatch',
          `it answers request ${requestId.slice(0, 40)}, and came with the answer to another`,
        );
      if (!asked(sender)) throw new Rejection('unexpected_sender', `${sender} was not asked`);
      if ((payload.kind === 'discovery') !== (home.agent === 'discovery'))
        throw new Rejection('unsupported_body', `it is no reply of the agent ${home.agent}`);
      if (!seen.add(keyOf(pass, 'answered', sender)))
        throw new Rejection('unexpected_sender', `${sender} has answered this request before`);
    } catch (error) {
      throw asRejection(error, { sender });
    }
    const traced = home.hops === undefined ? home : withNodeHop(home, sender, link.state().server);
    return { home: traced, sender, time: clock(), payload, broadcast };
  };

  /**
   * Who waits is told once for each sender, however many of its lines are wrong, and not after its reply.
   * @param {VerifiedReplyToken} pass @param {Rejection} rejection
   */
  const homeOf = (pass, { context: { sender = '' } }) =>
    !seen.has(keyOf(pass, 'answered', sender)) && seen.add(keyOf(pass, 'told', sender))
      ? pass.home
      : undefined;

  /** @param {IncomingMessage} message @param {ReplySink} to */
  const onReply = (message, to) => {
    /** @type {VerifiedReplyToken | undefined} */
    let proven;
    try {
      const { collective, token } = partsOf(message.destination);
      const pass = readToken(token, tokenContext(collective));
      checkReplyToken(pass, clock());
      proven = pass;
      to.reply(replyFrom(message, pass));
    } catch (error) {
      const rejection = asRejection(error, proven && { requestId: proven.home.requestId });
      to.rejected(rejection, proven && homeOf(proven, rejection), proven?.broadcast);
    }
  };

  /** @param {ReadableRequest} request @param {readonly string[] | undefined} nodes */
  const messageOf = ({ home, ...request }, nodes) => ({
    destination: requestPlace(request.collective),
    replyTo: replyPlace(cluster, home.collective, encodeToken(home, nodes, tokenContext(home.collective))),
    headers: { [REQUEST_ID]: request.id },
    body: encodeRequest({ ...request, sender: identity, nodes }),
    expires: home.expires,
  });

  return {
    name,
    accepts: ['rpc', 'discovery'],
    causes: [
      {
        cause: 'answers',
        sentence:
          'the server answers 200 without a line of application/x-ndjson for each node; its own log says',
        silences: 'all',
      },
    ],

    start: async (replies) => {
      // Before it is open, so that they stand before what waits is sent.
      const subscriptions = [
        link.subscribe({
          destination: replyPlaces(cluster),
          onMessage: (message) => onReply(message, replies),
        }),
        discovery.listen(replies),
      ];
      await Promise.all([link.open(), ...subscriptions]);
    },

    deliver: async (request, undelivered) => {
      const asked = readable(request);
      if (callers !== undefined && !callers.some((pattern) => pattern.test(asked.caller)))
        throw new Rejection(
          'no_signing_key',
          `the token of ${name} does not vouch for ${asked.caller} (callers)`,
        );
      const nodes = namedNodes(asked.targets);
      const groups = nodes === undefined ? [undefined] : inGroups(nodes);
      const messages = groups.map((group) => messageOf(asked, group));
      sendAllVia(link, messages, notSentTo(undelivered, asked.home));
    },

    discover: discovery.discover,

    close: () => link.close(),

    status: () => ({ name, ...link.state() }),
  };
};
