import {
  decodeReply,
  decodeReplyBody,
  decodeSecureReply,
  decodeTransport,
  requireProtocol1,
  transportData,
  verifyHash,
} from '../adapters/choria/wire/index.ts';
import type { Hop, ReplyPayload } from '../envelope/message.ts';
import { Rejection } from '../envelope/rejection.ts';

/** A reply whose protocol, checksum and request id are right. Protocol 1 signs none. */
export interface ClientReply {
  /** Who says to have answered; a broker, where it refuses the request. */
  readonly node: string;
  readonly payload: ReplyPayload;
  /** The hops out and back, where they were asked for and recorded. */
  readonly trail: readonly Hop[] | undefined;
}

const DISCOVERY = 'discovery';

export interface Expectation {
  readonly requestId: string;
  readonly agent: string;
  readonly maxBytes: number;
}

/** A node that answers a ping is there, whatever it says: neither of Choria's clients looks at that. */
const payloadOf = (message: string, agent: string): ReplyPayload =>
  agent === DISCOVERY ? { kind: 'discovery' } : decodeReplyBody(message, agent);

/**
 * @param body a message that came to the request's reply subject
 * @throws Rejection with what is wrong with it; its context names the sender as far as it is known
 */
export const openReply = (body: Uint8Array, expected: Expectation): ClientReply => {
  const { content, sender, hops } = decodeTransport(body, expected);
  requireProtocol1(content);
  const { data } = transportData(content);
  const context = sender === undefined ? {} : { sender };
  try {
    const secure = decodeSecureReply(data);
    verifyHash(secure);
    const reply = decodeReply(secure.message);
    if (reply.requestId !== expected.requestId)
      throw new Rejection('requestid_mismatch', 'it answers another request');
    if (reply.agent !== expected.agent)
      throw new Rejection('agent_mismatch', `it is of the agent ${reply.agent}, not ${expected.agent}`);
    return {
      node: reply.senderId,
      payload: payloadOf(reply.message, expected.agent),
      trail: hops,
    };
  } catch (error) {
    throw error instanceof Rejection ? error.with(context) : error;
  }
};
