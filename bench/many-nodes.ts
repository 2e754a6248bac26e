import {
  decodeRequest,
  decodeSecureRequest,
  decodeTransport,
  encodeReply,
  encodeReplyBody,
  encodeSecureReply,
  encodeTransport,
  nodeSubject,
  transportContent,
  transportData,
} from '../src/adapters/choria/wire/index.ts';
import type { ReplyPayload } from '../src/envelope/message.ts';
import type { IncomingMessage, Link, OutgoingMessage } from '../src/transport/link.ts';
import { ANSWER } from './websocket-words.ts';

export const COLLECTIVE = 'mcollective';
/** The agents that all of them have. */
const AGENTS = ['discovery', 'rpcutil'];
const NODES = nodeSubject(COLLECTIVE, '');
const EXPIRES_MS = 60_000;

const PAYLOADS: Readonly<Record<string, ReplyPayload>> = {
  discovery: { kind: 'discovery' },
  rpcutil: { kind: 'rpc', statusCode: 0, statusMessage: 'OK', data: new Map([['text', ANSWER]]) },
};

/** So many names, each of its own length. */
export const manyNames = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `n${n}.example.net`);

/** What nodes answer to one message of the bridge. */
const repliesOf = ({ body }: IncomingMessage, names: readonly string[]): readonly OutgoingMessage[] => {
  const { content, replyTo, federation } = decodeTransport(body, { maxBytes: body.length });
  const { requestId, agent } = decodeRequest(decodeSecureRequest(transportData(content).data).message);
  const payload = PAYLOADS[agent];
  if (replyTo === undefined || payload === undefined) return [];
  const about = { requestId, agent, time: Math.floor(Date.now() / 1000) };
  const message = encodeReplyBody(payload, 'go', 'ping');
  return names.map((senderId) => {
    const text = encodeSecureReply(encodeReply({ ...about, senderId, message }));
    const reply = encodeTransport({
      content: transportContent(text, 'plain'),
      sender: senderId,
      ...(federation && { federation }),
    });
    return { destination: replyTo, body: Buffer.from(reply), expires: Date.now() + EXPIRES_MS };
  });
};

/** Choria nodes that share a connection and believe everybody: what they themselves cost is not what is measured. */
export const startManyNodes = async (link: Link, names: readonly string[]): Promise<void> => {
  const answer = (message: IncomingMessage, by: readonly string[]): void =>
    link.sendAll(repliesOf(message, by));
  for (const agent of AGENTS)
    await link.subscribe({
      destination: `${COLLECTIVE}.broadcast.agent.${agent}`,
      onMessage: (message) => answer(message, names),
    });
  await link.subscribe({
    destination: `${NODES}>`,
    onMessage: (message) => answer(message, [message.destination.slice(NODES.length)]),
  });
};
