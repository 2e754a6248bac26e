import { type KeyObject, randomBytes } from 'node:crypto';
import { encodeBase64 } from '../../../codec/base64.ts';
import { EMPTY_FILTER } from '../../../envelope/filter.ts';
import type { Egress, ReplySink } from '../../../envelope/port.ts';
import { asRejection, Rejection } from '../../../envelope/rejection.ts';
import type { SigningPool } from '../../../pki/signing-pool.ts';
import type { IncomingMessage, Link } from '../../../transport/link.ts';
import { Questions } from '../../kit/questions.ts';
import { sendVia } from '../../kit/send.ts';
import {
  BRIDGE_MARKER,
  broadcastDestination,
  discoveryDestination,
  EXPIRY_SLACK,
  messageHeaders,
} from '../wire/addressing.ts';
import { decodeReply, verifyReply } from '../wire/reply.ts';
import { encodeRequestBody, encodeSignedRequest, type LegacyRequest } from '../wire/request.ts';
import type { Serializer } from '../wire/serializer.ts';
import type { Signers } from './signing.ts';

export interface DiscoveryOptions {
  readonly link: Link;
  readonly identity: string;
  readonly cluster: string;
  /** In whose name the bridge asks, `cert=<name>`; the shared signer has its own. */
  readonly caller: string;
  readonly signers: Signers;
  readonly pool: SigningPool;
  readonly serverKeys: readonly KeyObject[];
  readonly serializer: Serializer;
  readonly base64: boolean;
  readonly multiplex: boolean;
  readonly priority: number;
  /** The document in a frame. @throws Rejection */
  readonly open: (body: Buffer) => Buffer;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

const AGENT = 'discovery';
/** MCollective's default, in seconds. */
const TTL = 60;

/**
 * Asks who is there, in the bridge's own name. The answers come to a queue of this instance alone,
 * which no ingress takes for a client's. The question bears the header by which ingresses know what a bridge has sent.
 */
export const createDiscovery = (
  options: DiscoveryOptions,
  sink: () => ReplySink | undefined,
): NonNullable<Egress['discover']> => {
  const { link, identity, cluster, serializer, clock } = options;
  const unique = randomBytes(8).toString('hex');
  const questions = new Questions(clock);
  const subscribed = new Map<string, Promise<unknown>>();

  const onMessage = ({ body }: IncomingMessage): void => {
    try {
      const signed = decodeReply(options.open(body), serializer);
      const { senderId: sender, requestId } = signed;
      try {
        const found = questions.find(requestId);
        if (verifyReply(signed, options.serverKeys, serializer).kind !== 'discovery')
          throw new Rejection('unsupported_body', `it is no reply of the agent ${AGENT}`);
        found(sender);
      } catch (error) {
        throw asRejection(error, { sender, requestId });
      }
    } catch (error) {
      sink()?.rejected(asRejection(error));
    }
  };

  /** Once a collective, when it is first needed: not every bridge asks. */
  const subscribe = async (collective: string, destination: string): Promise<void> => {
    const standing =
      subscribed.get(collective) ?? link.subscribe({ destination, purpose: 'discovery', onMessage });
    subscribed.set(collective, standing);
    try {
      await standing;
    } catch (error) {
      subscribed.delete(collective);
      throw asRejection(error);
    }
  };

  return async (collective, found) => {
    const { callerId, key } = options.signers.signerFor(options.caller);
    const replyTo = discoveryDestination(collective, `${identity}_${process.pid}`, unique);
    await subscribe(collective, replyTo);
    const now = clock();
    const request: LegacyRequest = {
      requestId: randomBytes(16).toString('hex'),
      senderId: identity,
      callerId,
      collective,
      agent: AGENT,
      ttl: TTL,
      time: Math.floor(now / 1000),
      filter: EMPTY_FILTER,
      payload: { kind: 'discovery' },
    };
    const body = encodeRequestBody(request, serializer);
    const signature = await options.pool.sign('sha1', body, key, 'request');
    const document = encodeSignedRequest(request, body, signature, serializer);
    questions.ask(request.requestId, TTL, found);
    sendVia(link, {
      destination: broadcastDestination(collective, AGENT, options.multiplex),
      headers: { ...messageHeaders(now, TTL, options), [BRIDGE_MARKER]: cluster },
      replyTo,
      body: options.base64 ? Buffer.from(encodeBase64(document, 'wrapped')) : document,
      expires: now + (TTL + EXPIRY_SLACK) * 1000,
      purpose: 'discovery',
    });
  };
};
