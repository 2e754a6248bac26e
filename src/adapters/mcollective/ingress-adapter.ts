import { createPrivateKey } from 'node:crypto';
import { compileGlobs } from '../../envelope/glob.ts';
import type { IngressAdapter } from '../descriptor.ts';
import { ARRIVALS } from './arrivals.ts';
import { ingressCheck } from './check/ingress.ts';
import { callerFolder } from './ingress/callers.ts';
import type { McollectiveStompIngressConfig } from './ingress-config.ts';
import { ingressKeys } from './keys.ts';
import { stompLink } from './link-options.ts';
import { LEGACY_NAMES } from './names.ts';
import { ofIngress } from './observable.ts';
import { ingressRequirements } from './requirements.ts';
import { createMcollectiveStompIngress } from './stomp-ingress.ts';
import { helloDestination } from './wire/addressing.ts';

export const mcollectiveIngressAdapter = (
  it: McollectiveStompIngressConfig,
  name: string,
): IngressAdapter => {
  const broadcastQueue = it.share === 'queue' ? it.broadcastQueue : undefined;
  return {
    name,
    type: it.type,
    label: `${it.type}, ${it.serializer}`,
    wire: { format: 'mcollective', serializer: it.serializer, base64: it.base64 },
    names: LEGACY_NAMES,
    cluster: undefined,
    standsForNodes: true,
    localEgress: it.localEgress,
    share: { how: it.share, maxAhead: it.callers.maxAhead, helloAt: helloDestination },
    carriesStatistics: false,
    link: stompLink(it, { name, side: 'ingress' }),
    requirements: ({ collectives, routes }) =>
      ingressRequirements({
        collectives,
        multiplex: it.agentsMultiplex,
        broadcastQueue,
        patterned: new Set(
          routes.filter(({ isPatterned }) => isPatterned).flatMap((route) => route.collectives),
        ),
      }),
    keys: () => ingressKeys(it),
    ...ARRIVALS,
    observable: (around) => ofIngress(it.agentsMultiplex, it.broadcastQueue, around),
    check: ingressCheck(it, name),
    create: (around, services) => {
      const { parse, clock, log, observer } = services;
      return createMcollectiveStompIngress({
        name,
        link: services.link,
        identity: around.identity,
        cluster: around.cluster,
        collectives: around.collectives,
        serializer: it.serializer,
        base64: it.base64,
        multiplex: it.agentsMultiplex,
        priority: it.priority,
        callers: callerFolder(it.callers.keysDir, clock, services.keys),
        handled: services.handled,
        enforceTtl: it.callers.enforceTtl,
        maxAhead: it.callers.maxAhead,
        allowsReplyTo: compileGlobs(it.callers.replyTo),
        serverKey: parse(it.serverPrivateKey, ['ingresses', name, 'server_private_key'], (pem) =>
          createPrivateKey(pem),
        ),
        signing: services.pool,
        maxUnsignedBytes: it.buffer.bytes,
        residents: services.residents,
        share: it.share,
        broadcastQueue,
        maxMessageBytes: around.maxMessageBytes,
        maxTtl: around.maxTtl,
        clock,
        onError: ({ code, message, context }) => {
          observer.refused({ code, stage: 'reply', context, sentence: message });
          log.warn(
            {
              event: 'hand_back_failed',
              link: name,
              reason: code,
              request_id: context.requestId,
              sender: context.sender,
            },
            `the frames that are selected stay as they were: ${message}`,
          );
        },
        onNote: (text, { requestId, sender, caller }) =>
          log.warn({ event: 'client_note', link: name, request_id: requestId, sender, caller }, text),
      });
    },
  };
};
