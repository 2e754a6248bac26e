import type { ReadableRequest } from '../../../../src/envelope/message.ts';
import { toNodes } from '../../../../src/testing/targets.ts';
import type { IncomingMessage, Link } from '../../../../src/transport/link.ts';
import { MemoryBroker, NATS_RULES } from '../../../../src/transport/memory/broker.ts';
import { CLUSTER, COLLECTIVE } from '../../brokers.ts';
import { until } from '../../world.ts';
import type { CollectiveEgressOverrides } from './make-egress.ts';
import { makeSigningEgress, readMessage, requestOf, started } from './signed-world.ts';

/** Where replies to translated requests come to. */
export const HOME = `choria.federation.${CLUSTER}.collective`;
export const NODES = ['n1.example.net', 'n2.example.net'];
export const directed = toNodes(NODES);

/** An egress before a network that nobody answers on; everything on it is seen. */
export const makeNetwork = async (
  part: CollectiveEgressOverrides = {},
  change: (link: Link) => Link = (link) => link,
) => {
  const broker = new MemoryBroker(NATS_RULES);
  const seen: IncomingMessage[] = [];
  const network = broker.link();
  await network.subscribe({ destination: `${COLLECTIVE}.>`, onMessage: (it) => void seen.push(it) });
  const egress = makeSigningEgress(change(broker.link()), part);
  const handed = await started(egress);
  const reply = (body: Uint8Array, destination = HOME): void =>
    network.send({ destination, body, expires: Number.POSITIVE_INFINITY });
  return { broker, egress, seen, reply, ...handed };
};

/** The same, with one request delivered, and its first message. */
export const makeDelivered = async (
  part: Partial<ReadableRequest> = {},
  options: CollectiveEgressOverrides = {},
) => {
  const network = await makeNetwork(options);
  const request = requestOf(part);
  await network.egress.deliver(request);
  await until('the request is there', () => network.seen.length === request.targets.length);
  const [first] = network.seen;
  if (first === undefined) throw new Error('nothing was delivered');
  return { ...network, request, first, message: readMessage(first.body, Date.now()) };
};
