import { createPrivateKey } from 'node:crypto';
import { callersCaPath } from '../adapters/choria/callers-config.ts';
import { createChoriaCollectiveIngress } from '../adapters/choria/collective-ingress.ts';
import type { ChoriaCollectiveIngressConfig } from '../adapters/choria/collective-ingress-config.ts';
import type { ChoriaFederationConfig } from '../adapters/choria/federation-config.ts';
import { createChoriaFederationIngress } from '../adapters/choria/federation-ingress.ts';
import { type CallerVerifier, createCallerVerifier } from '../adapters/choria/wire/index.ts';
import { callerFolder } from '../adapters/mcollective/ingress/callers.ts';
import type { Handled } from '../adapters/mcollective/ingress/handled.ts';
import type { McollectiveStompIngressConfig } from '../adapters/mcollective/ingress-config.ts';
import { createMcollectiveStompIngress } from '../adapters/mcollective/stomp-ingress.ts';
import { compileGlobs } from '../envelope/glob.ts';
import type { Ingress, Residents } from '../envelope/port.ts';
import { exportedBy, isOpaqueRoute } from '../setup/ends.ts';
import type { Config, IngressConfig, Named } from '../setup/types.ts';
import type { Context } from './context.ts';

/** What only some kinds of ingress need. */
export interface IngressNeeds {
  readonly residents: Residents;
  readonly handled: Handled;
}

export const ingressOf = (it: Named<IngressConfig>, needs: IngressNeeds, around: Context): Ingress => {
  switch (it.type) {
    case 'choria-federation':
      return federationIngress(it, around);
    case 'choria-collective':
      return collectiveIngress(it, needs, around);
    case 'mcollective-stomp':
      return mcollectiveIngress(it, needs, around);
  }
};

const verifierOf = (
  { name, callers, tls }: Named<ChoriaFederationConfig | ChoriaCollectiveIngressConfig>,
  { parse }: Context,
): CallerVerifier =>
  parse(callers.ca, callersCaPath(name, { callers, tls }), (ca) =>
    createCallerVerifier({ ...callers, ca: ca.toString() }),
  );

const federationIngress = (it: Named<ChoriaFederationConfig>, around: Context): Ingress => {
  const { config, clock } = around;
  return createChoriaFederationIngress({
    name: it.name,
    link: around.link(it.name, 'ingress'),
    cluster: it.cluster,
    subscriptions: it.subscriptions,
    verifier: verifierOf(it, around),
    replyCollectives: new Set([...exportedBy(it.name, config), ...it.replyCollectives]),
    opaque: opaqueOf(it.name, config),
    maxMessageBytes: config.maxMessageBytes,
    maxTargets: config.maxTargets,
    maxTtl: config.maxTtl,
    clock,
  });
};

const collectiveIngress = (
  it: Named<ChoriaCollectiveIngressConfig>,
  { residents }: IngressNeeds,
  around: Context,
): Ingress => {
  const { config, clock } = around;
  return createChoriaCollectiveIngress({
    name: it.name,
    link: around.link(it.name, 'ingress'),
    cluster: config.cluster,
    collectives: exportedBy(it.name, config),
    verifier: verifierOf(it, around),
    residents,
    maxMessageBytes: config.maxMessageBytes,
    maxTargets: config.maxTargets,
    collect: around.collect,
    maxTtl: config.maxTtl,
    clock,
  });
};

const mcollectiveIngress = (
  it: Named<McollectiveStompIngressConfig>,
  { residents, handled }: IngressNeeds,
  around: Context,
): Ingress => {
  const { config, parse, clock, log, stats } = around;
  const { name } = it;
  return createMcollectiveStompIngress({
    name,
    link: around.link(name, 'ingress'),
    identity: config.identity,
    cluster: config.cluster,
    collectives: exportedBy(name, config),
    serializer: it.serializer,
    base64: it.base64,
    multiplex: it.agentsMultiplex,
    priority: it.priority,
    callers: callerFolder(it.callers.keysDir, clock, around.keys),
    handled,
    enforceTtl: it.callers.enforceTtl,
    maxAhead: it.callers.maxAhead,
    allowsReplyTo: compileGlobs(it.callers.replyTo),
    serverKey: parse(it.serverPrivateKey, ['ingresses', name, 'server_private_key'], (pem) =>
      createPrivateKey(pem),
    ),
    signing: around.pool,
    maxUnsignedBytes: it.buffer.bytes,
    residents,
    share: it.share,
    broadcastQueue: it.share === 'queue' ? it.broadcastQueue : undefined,
    maxMessageBytes: config.maxMessageBytes,
    maxTtl: config.maxTtl,
    clock,
    onError: ({ code, message, context }) => {
      stats.refused({ code, stage: 'reply', context, sentence: message });
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
};

/** The collectives whose requests an ingress passes through; those of one route share one mode, so that no request mixes routes. */
const opaqueOf = (ingress: string, config: Config): ReadonlyMap<string, { readonly verify: boolean }> =>
  new Map(
    config.routes
      .filter((route) => route.from === ingress && isOpaqueRoute(route, config))
      .flatMap(({ collectives, verify }) => {
        const mode = { verify };
        return collectives.map((collective) => [collective, mode] as const);
      }),
  );
