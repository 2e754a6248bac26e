import { randomBytes } from 'node:crypto';
import { encodeBase64 } from '../../../codec/base64.ts';
import { EMPTY_FILTER } from '../../../envelope/filter.ts';
import type { Discover, ReplySink } from '../../../envelope/port.ts';
import { asRejection, Rejection } from '../../../envelope/rejection.ts';
import type { IncomingMessage } from '../../../transport/link.ts';
import { PendingDiscoveries } from '../../kit/pending-discoveries.ts';
import { sendVia } from '../../kit/send.ts';
import { subscribeOnce } from '../../kit/subscribe-once.ts';
import { frameBody } from '../frame-body.ts';
import {
  BRIDGE_MARKER,
  broadcastDestination,
  discoveryDestination,
  EXPIRY_SLACK_SECONDS,
  messageHeaders,
} from '../wire/addressing.ts';
import { decodeReply, verifyReply } from '../wire/reply.ts';
import { encodeRequestBody, encodeSignedRequest, type LegacyRequest } from '../wire/request.ts';
import type { Serializer } from '../wire/serializer.ts';
import type { McollectiveStompEgressOptions } from './options.ts';

/** In whose name the bridge asks where the configuration does not say; the shared signer has its own. */
export const DISCOVERY_CALLER = 'cert=mcbridge';
const AGENT = 'discovery';
/** MCollective's default, in seconds. */
const TTL_SECONDS = 60;

/**
 * Sends discovery, in the bridge's own name unless told. The answers come to a queue of this instance alone,
 * which no ingress takes for a client's. The question bears the header by which ingresses know what a bridge has sent.
 */
export const createDiscovery = (
  { config, around, services, signers, serverKeys }: McollectiveStompEgressOptions,
  serializer: Serializer,
  sink: () => ReplySink | undefined,
): Discover => {
  const { link, pool, clock } = services;
  const { identity, cluster } = around;
  const { caller = DISCOVERY_CALLER } = config.discovery;
  const unique = randomBytes(8).toString('hex');
  const pendingDiscoveries = new PendingDiscoveries(clock);

  const onMessage = ({ body }: IncomingMessage): void => {
    try {
      const signed = decodeReply(frameBody(body, config, around), serializer);
      const { senderId: sender, requestId, time } = signed;
      try {
        const found = pendingDiscoveries.find(requestId);
        if (verifyReply(signed, serverKeys, serializer).kind !== 'discovery')
          throw new Rejection('unsupported_body', `it is no reply of the agent ${AGENT}`);
        found(sender, time * 1000);
      } catch (error) {
        throw asRejection(error, { sender, requestId });
      }
    } catch (error) {
      const rejection = asRejection(error);
      pendingDiscoveries.refuse(rejection);
      sink()?.rejected(rejection);
    }
  };

  const subscribe = subscribeOnce(link, { purpose: 'discovery', onMessage });

  return async (collective, found, unread, as = caller) => {
    const { callerId, key } = signers.signerFor(as);
    const replyTo = discoveryDestination(collective, `${identity}_${process.pid}`, unique);
    await subscribe(replyTo);
    const now = clock();
    const request: LegacyRequest = {
      requestId: randomBytes(16).toString('hex'),
      senderId: identity,
      callerId,
      collective,
      agent: AGENT,
      ttl: TTL_SECONDS,
      time: Math.floor(now / 1000),
      filter: EMPTY_FILTER,
      payload: { kind: 'discovery' },
    };
    const body = encodeRequestBody(request, serializer);
    const signature = await pool.sign('sha1', body, key, 'request');
    const document = encodeSignedRequest(request, body, signature, serializer);
    pendingDiscoveries.ask(request.requestId, TTL_SECONDS, found, unread);
    sendVia(link, {
      destination: broadcastDestination(collective, AGENT, config.agentsMultiplex),
      headers: { ...messageHeaders(now, TTL_SECONDS, { ...config, ...around }), [BRIDGE_MARKER]: cluster },
      replyTo,
      body: config.base64 ? Buffer.from(encodeBase64(document, 'wrapped')) : document,
      expires: now + (TTL_SECONDS + EXPIRY_SLACK_SECONDS) * 1000,
      purpose: 'discovery',
    });
  };
};
