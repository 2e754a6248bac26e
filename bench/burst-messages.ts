import { createPrivateKey, randomBytes, sign } from 'node:crypto';
import {
  decodeRequest as decodeChoriaRequest,
  decodeSecureRequest,
  decodeTransport,
  encodeReply,
  encodeReplyBody,
  encodeSecureReply,
  encodeTransport,
  transportContent,
  transportData,
} from '../src/adapters/choria/wire/index.ts';
import {
  broadcastDestination,
  directedDestination,
  messageHeaders,
} from '../src/adapters/mcollective/wire/addressing.ts';
import { encodeReply as encodeLegacyReply } from '../src/adapters/mcollective/wire/reply.ts';
import {
  decodeRequest,
  encodeRequestBody,
  encodeSignedRequest,
  type LegacyRequest,
} from '../src/adapters/mcollective/wire/request.ts';
import { createSerializer } from '../src/adapters/mcollective/wire/serializer.ts';
import { buildRequest } from '../src/client/request.ts';
import { DEFAULT_RUBY_LIMITS } from '../src/codec/ruby/value.ts';
import { EMPTY_FILTER } from '../src/envelope/filter.ts';
import type { ReplyPayload } from '../src/envelope/message.ts';
import type { IncomingMessage, OutgoingMessage } from '../src/transport/link.ts';
import { type BurstWorld, CLUSTER, TRANSLATED, TTL } from './burst-world.ts';

/** What clients and nodes of the translated routes say; each request is signed by alice, as she would. */
const serializer = createSerializer('marshal', DEFAULT_RUBY_LIMITS);
const REPLY_TO = `/queue/${TRANSLATED}.reply.desk.example.net_5069`;
const OK: ReplyPayload = {
  kind: 'rpc',
  statusCode: 0,
  statusMessage: 'OK',
  data: new Map([
    ['fact', 'osfamily'],
    ['value', 'x'.repeat(200)],
  ]),
};

const expires = (): number => Date.now() + TTL * 1000;
const seconds = (): number => Math.floor(Date.now() / 1000);
const newId = (): string => randomBytes(16).toString('hex');
const names = (count: number, domain: string): readonly string[] =>
  Array.from({ length: count }, (_, i) => `node${i}.${domain}`);

/** Requests of a Choria client for legacy nodes, as messages to the cluster. */
export const choriaRequests = (
  { alice }: BurstWorld,
  count: number,
  targets: number | undefined,
): readonly OutgoingMessage[] => {
  const sender = {
    identity: 'alice.mcollective',
    callerId: 'choria=alice.mcollective',
    privateKey: createPrivateKey(alice.privateKey),
    certificate: alice.certificate,
    dialect: 'go',
    collective: TRANSLATED,
    federation: [CLUSTER],
  } as const;
  const nodes = targets === undefined ? {} : { nodes: names(targets, 'legacy.example.net') };
  return Array.from({ length: count }, () =>
    buildRequest(
      {
        requestId: newId(),
        agent: 'rpcutil',
        payload: { kind: 'rpc', action: 'get_fact', data: new Map([['fact', 'osfamily']]) },
        ...nodes,
        ttl: TTL,
        time: seconds(),
      },
      sender,
    ),
  ).flatMap(({ messages, replyTo }) => messages.map((one) => ({ ...one, replyTo, expires: expires() })));
};

/** Requests of `mco` for Choria nodes, each as one frame a node or as one to all. */
export const legacyRequests = (
  { legacyKey }: BurstWorld,
  count: number,
  targets: number | undefined,
): readonly OutgoingMessage[] => {
  const key = createPrivateKey(legacyKey);
  return Array.from({ length: count }, (_, n) => {
    const request: LegacyRequest = {
      requestId: newId(),
      senderId: 'desk.example.net',
      callerId: 'cert=alice',
      collective: TRANSLATED,
      agent: 'rpcutil',
      ttl: TTL,
      time: seconds(),
      filter: { ...EMPTY_FILTER, agent: ['rpcutil'] },
      payload: { kind: 'rpc', action: 'get_fact', data: new Map([['fact', 'osfamily']]) },
    };
    const signed = encodeRequestBody(request, serializer);
    const body = encodeSignedRequest(request, signed, sign('sha1', signed, key), serializer);
    const headers = messageHeaders(Date.now(), TTL, { identity: 'desk.example.net', priority: 0 });
    const common = { replyTo: `${REPLY_TO}.${n}`, body, expires: expires() };
    if (targets === undefined)
      return [{ destination: broadcastDestination(TRANSLATED, 'rpcutil', false), headers, ...common }];
    return names(targets, 'choria.example.net').map((node) => ({
      destination: directedDestination(TRANSLATED),
      headers: { ...headers, mc_identity: node },
      ...common,
    }));
  }).flat();
};

export const LEGACY_REPLIES = `${REPLY_TO}.>`;

/** A legacy node's reply to a frame of the bridge. */
export const legacyReply = async (
  { serverKey }: BurstWorld,
  frame: IncomingMessage,
): Promise<OutgoingMessage> => {
  const { requestId, agent } = decodeRequest(frame.body, serializer);
  const reply = { senderId: 'node1.legacy.example.net', requestId, agent, time: seconds(), payload: OK };
  return {
    destination: frame.replyTo ?? '',
    body: await encodeLegacyReply(reply, createPrivateKey(serverKey), serializer),
    expires: expires(),
  };
};

/** A Choria node's reply to a message of the bridge. */
export const choriaReply = ({ body }: IncomingMessage): OutgoingMessage => {
  const relay = decodeTransport(body, { maxBytes: body.length });
  const { requestId, agent } = decodeChoriaRequest(
    decodeSecureRequest(transportData(relay.content).data).message,
  );
  const sender = 'node1.choria.example.net';
  const text = encodeReply({
    requestId,
    senderId: sender,
    agent,
    time: seconds(),
    message: encodeReplyBody(OK, 'go', 'get_fact'),
  });
  const { request, home } = relay.federation ?? {};
  const headers = {
    sender,
    federation: { ...(request !== undefined && { request }), ...(home !== undefined && { home }) },
  };
  return {
    destination: relay.replyTo ?? '',
    body: Buffer.from(
      encodeTransport({ ...headers, content: transportContent(encodeSecureReply(text), 'plain') }),
    ),
    expires: expires(),
  };
};
