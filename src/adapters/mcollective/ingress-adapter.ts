import { createPrivateKey } from 'node:crypto';
import type { IngressAdapter, IngressServices } from '../descriptor.ts';
import { Handled } from '../kit/handled.ts';
import { ARRIVALS } from './arrivals.ts';
import { ingressCheck } from './check/ingress.ts';
import { callerFolder } from './ingress/callers.ts';
import type { IngressKeys, McollectiveStompIngressOptions } from './ingress/options.ts';
import { type McollectiveStompIngressConfig, queueOf } from './ingress-config.ts';
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
): IngressAdapter => ({
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
      broadcastQueue: queueOf(it),
      patterned: new Set(
        routes.filter(({ isPatterned }) => isPatterned).flatMap((route) => route.collectives),
      ),
    }),
  keys: () => ingressKeys(it),
  ...ARRIVALS,
  observable: (around) => ofIngress(it.agentsMultiplex, it.broadcastQueue, around),
  check: ingressCheck(it, name),
  create: (around, services) =>
    createMcollectiveStompIngress({
      name,
      config: it,
      around,
      services: { ...services, handled: services.kept.of(Handled) },
      keys: keysOf(name, it, services),
      ...tellers(name, services),
    }),
});

const keysOf = (
  name: string,
  { callers, serverPrivateKey }: McollectiveStompIngressConfig,
  { parse, clock, keys }: IngressServices,
): IngressKeys => ({
  callers: callerFolder(callers.keysDir, clock, keys),
  server: parse(serverPrivateKey, ['ingresses', name, 'server_private_key'], (pem) => createPrivateKey(pem)),
});

/** What nobody waits for is logged. */
const tellers = (
  name: string,
  { log, observer }: IngressServices,
): Pick<McollectiveStompIngressOptions, 'onError' | 'onNote'> => ({
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
