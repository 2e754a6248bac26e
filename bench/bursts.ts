import type { IncomingMessage, Link, OutgoingMessage } from '../src/transport/link.ts';
import { opaqueReplies, opaqueRequests } from '../test/support/burst.ts';
import {
  choriaReply,
  choriaRequests,
  LEGACY_REPLIES,
  legacyReply,
  legacyRequests,
} from './burst-messages.ts';
import { type BurstWorld, CLUSTER, OPAQUE, TRANSLATED } from './burst-world.ts';

const REQUESTS = 1_000;
const TARGETS = 200;
const REPLIES = [15_000, 50_000] as const;
/** Messages to send on a link, and what each is to become at the other end. */
export interface Series {
  readonly from: Link;
  readonly messages: readonly OutgoingMessage[];
  /** What arrives of it; a frame that names 200 nodes counts as one. */
  readonly to: Link;
  readonly at: readonly string[];
  readonly total: number;
}

export interface Burst {
  readonly label: string;
  /** How many requests or replies. */
  readonly size: number;
  make(world: BurstWorld, size: number): Series | Promise<Series>;
}

const count = (value: number): string => value.toLocaleString('en-US');
const fanOut = `${count(REQUESTS)} requests of ${TARGETS} targets`;
const opaqueTo = { cluster: CLUSTER, collective: OPAQUE };

const requests: readonly Burst[] = [
  {
    label: `${fanOut}, opaque`,
    size: REQUESTS,
    make: ({ clients, nodes }, size) => ({
      from: clients,
      messages: opaqueRequests({ ...opaqueTo, requests: size, targets: TARGETS }),
      to: nodes,
      at: [`${OPAQUE}.node.>`],
      total: size * TARGETS,
    }),
  },
  {
    // Names that the bridge has not heard of go out as one broadcast, which names them.
    label: `${fanOut}, Choria to legacy, as ${count(REQUESTS)} broadcasts that name them`,
    size: REQUESTS,
    make: (world, size) => ({
      from: world.clients,
      messages: choriaRequests(world, size, TARGETS),
      to: world.daemons,
      at: [`/topic/${TRANSLATED}.rpcutil.agent`],
      total: size,
    }),
  },
  {
    label: `${fanOut}, legacy to Choria, as ${count(REQUESTS * TARGETS)} frames`,
    size: REQUESTS,
    make: (world, size) => ({
      from: world.mco,
      messages: legacyRequests(world, size, TARGETS),
      to: world.nodes,
      at: [`${TRANSLATED}.node.>`],
      total: size * TARGETS,
    }),
  },
];

/** What the bridge makes of one request to all. */
const broadcast = async (
  from: Link,
  [request]: readonly OutgoingMessage[],
  to: Link,
  destination: string,
): Promise<IncomingMessage> => {
  if (request === undefined) throw new Error('no request');
  let heard: (message: IncomingMessage) => void = () => undefined;
  const first = new Promise<IncomingMessage>((resolve) => {
    heard = resolve;
  });
  const held = await to.subscribe({ destination, onMessage: (message) => heard(message) });
  from.send(request);
  const message = await first;
  await held.unsubscribe();
  return message;
};

const replies = (size: number): readonly Burst[] => [
  {
    label: `${count(size)} replies to one client, opaque`,
    size,
    make: ({ clients, nodes }, total) => ({
      from: nodes,
      messages: opaqueReplies({ ...opaqueTo, replies: total }),
      to: clients,
      at: [`${OPAQUE}.reply.>`],
      total,
    }),
  },
  {
    label: `${count(size)} replies to one client, legacy to Choria`,
    size,
    make: async (world, total) => {
      const topic = `/topic/${TRANSLATED}.rpcutil.agent`;
      const frame = await broadcast(world.clients, choriaRequests(world, 1, undefined), world.daemons, topic);
      const reply = await legacyReply(world, frame);
      return {
        from: world.daemons,
        messages: Array.from({ length: total }, () => reply),
        to: world.clients,
        at: [`${TRANSLATED}.reply.>`],
        total,
      };
    },
  },
  {
    label: `${count(size)} replies to one client, Choria to legacy, each of them signed`,
    size,
    make: async (world, total) => {
      const subject = `${TRANSLATED}.broadcast.agent.>`;
      const message = await broadcast(world.mco, legacyRequests(world, 1, undefined), world.nodes, subject);
      const reply = choriaReply(message);
      return {
        from: world.nodes,
        messages: Array.from({ length: total }, () => reply),
        to: world.mco,
        at: [LEGACY_REPLIES],
        total,
      };
    },
  },
];

/** All that are measured. */
export const BURSTS: readonly Burst[] = [...requests, ...REPLIES.flatMap(replies)];
