import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { createChoriaCollectiveEgress } from '../adapter/choria-collective/egress.ts';
import { createChoriaFederationIngress } from '../adapter/choria-federation/ingress.ts';
import { createMcollectiveStompEgress } from '../adapter/mcollective-stomp/egress.ts';
import { keyFolder, type Signers, sharedSigner } from '../adapter/mcollective-stomp/signing.ts';
import type { Egress, Ingress } from '../adapter/port.ts';
import { Bridge, type Route } from '../bridge/bridge.ts';
import type { Log } from '../bridge/log.ts';
import { Stats } from '../bridge/stats.ts';
import type { ChoriaCollectiveConfig } from '../config/egress/choria-collective.ts';
import type { McollectiveStompConfig } from '../config/egress/mcollective-stomp.ts';
import { fileParser, fileReader, type ParseFile, type ReadFile, readClusterKey } from '../config/files.ts';
import type { ChoriaFederationConfig } from '../config/ingress/choria-federation.ts';
import { natsLinkOptions, stompLinkOptions } from '../config/link-options.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config, EgressConfig, IngressConfig, Named } from '../config/types.ts';
import { type MeteredLink, meterLink, type Side } from '../stats/meter.ts';
import type { Link, LinkEvent, LinkListener } from '../transport/link.ts';
import { createNatsLink } from '../transport/nats/index.ts';
import { createStompLink } from '../transport/stomp/index.ts';
import { createCallerVerifier, isStatsSubject } from '../wire/choria/index.ts';

/** What every part of one bridge shares. */
interface Surroundings {
  readonly config: Config;
  readonly read: ReadFile;
  readonly parse: ParseFile;
  readonly log: Log;
  readonly stats: Stats;
  readonly clock: () => number;
  readonly tokenKey: KeyObject;
  readonly links: MeteredLink[];
}

export interface Assembled {
  readonly bridge: Bridge;
  /** The links of what routes use, counted. */
  readonly links: readonly MeteredLink[];
}

/**
 * The bridge that a configuration describes, not yet started. A new protocol is a case in `ingressOf` or
 * `egressOf`.
 * @throws ConfigError for a file that cannot be read or is not what it should be; `mcbridge check` says more
 */
export const assemble = (loaded: LoadedConfig, log: Log, clock: () => number = Date.now): Assembled => {
  const { config } = loaded;
  const stats = new Stats();
  const read = fileReader(loaded);
  const around: Surroundings = {
    config,
    read,
    parse: fileParser(loaded, read),
    log,
    stats,
    clock,
    tokenKey: createSecretKey(readClusterKey(loaded, read)),
    links: [],
  };
  const ingresses = new Map([...config.ingresses].map(([name, it]) => [name, ingressOf(it, around)]));
  const egresses = new Map([...config.egresses].map(([name, it]) => [name, egressOf(it, around)]));
  const routes = config.routes.map(({ from, to, collectives, identities }): Route => {
    const egress = config.egresses.get(to);
    const privileged = egress?.type === 'mcollective-stomp' ? egress.privileged : [];
    return {
      from: known(ingresses, from),
      to: known(egresses, to),
      collectives: new Set(collectives),
      identities: { rules: identities, privileged },
    };
  });
  const { identity, cluster, instance, drainTimeout } = config;
  const bridge = new Bridge({
    identity,
    cluster,
    instance,
    routes,
    log,
    clock,
    stats,
    drainTimeout: drainTimeout * 1000,
  });
  const isUsed = ({ name, side }: MeteredLink): boolean =>
    config.routes.some(({ from, to }) => name === (side === 'federation' ? from : to));
  return { bridge, links: around.links.filter(isUsed) };
};

/** The link as its adapter gets it: counted, for whatever tells how the bridge is. */
const metered = (link: Link, name: string, side: Side, { config, clock, links }: Surroundings): Link => {
  const ends = config.routes.filter(({ from, to }) => name === (side === 'federation' ? from : to));
  const clusters = ends.map(({ from }) => config.ingresses.get(from)?.cluster ?? config.cluster);
  const counted = meterLink(link, { name, side, clusters: [...new Set(clusters)], clock });
  links.push(counted);
  return counted.link;
};

const natsLink = (
  it: Named<ChoriaFederationConfig | ChoriaCollectiveConfig>,
  side: Side,
  around: Surroundings,
): Link => {
  const { config, read, clock } = around;
  const onEvent = listener(it.name, around);
  return metered(
    createNatsLink({ ...natsLinkOptions(it, config, read), clock, onEvent }),
    it.name,
    side,
    around,
  );
};

const known = <T>(adapters: ReadonlyMap<string, T>, name: string): T => {
  const adapter = adapters.get(name);
  if (adapter === undefined) throw new Error(`a route names ${name}, which is not configured`);
  return adapter;
};

const ingressOf = (it: Named<IngressConfig>, around: Surroundings): Ingress => {
  const { config, parse, clock } = around;
  const exported = config.routes
    .filter(({ from }) => from === it.name)
    .flatMap(({ collectives }) => collectives);
  return createChoriaFederationIngress({
    name: it.name,
    link: natsLink(it, 'federation', around),
    cluster: it.cluster,
    verifier: parse(it.callers.ca, ['ingresses', it.name, 'callers', 'ca'], (ca) =>
      createCallerVerifier({ ...it.callers, ca: ca.toString() }),
    ),
    replyCollectives: new Set([...exported, ...it.replyCollectives]),
    sealed: sealedOf(it.name, config),
    maxMessageBytes: config.maxMessageBytes,
    maxTargets: config.maxTargets,
    maxTtl: config.maxTtl,
    clock,
  });
};

const egressOf = (it: Named<EgressConfig>, around: Surroundings): Egress =>
  it.type === 'mcollective-stomp' ? mcollectiveEgress(it, around) : choriaEgress(it, around);

const choriaEgress = (it: Named<ChoriaCollectiveConfig>, around: Surroundings): Egress => {
  const { config, clock } = around;
  const homes = config.routes
    .filter(({ to }) => to === it.name)
    .map(({ from }): [string, string] => [config.ingresses.get(from)?.cluster ?? config.cluster, from]);
  return createChoriaCollectiveEgress({
    name: it.name,
    link: natsLink(it, 'collective', around),
    homes: new Map(homes),
    maxMessageBytes: config.maxMessageBytes,
    clock,
  });
};

const mcollectiveEgress = (it: Named<McollectiveStompConfig>, around: Surroundings): Egress => {
  const { config, read, parse, clock, tokenKey } = around;
  return createMcollectiveStompEgress({
    name: it.name,
    link: metered(
      createStompLink({ ...stompLinkOptions(it, config, read), clock, onEvent: listener(it.name, around) }),
      it.name,
      'collective',
      around,
    ),
    identity: config.identity,
    cluster: config.cluster,
    tokenKey,
    collectives: [
      ...new Set(config.routes.filter(({ to }) => to === it.name).flatMap(({ collectives }) => collectives)),
    ],
    serializer: it.serializer,
    base64: it.base64,
    multiplex: it.agentsMultiplex,
    priority: it.priority,
    directLimit: it.directLimit,
    signers: signersOf(it, around),
    serverKeys: it.serverPublicKeys.map((file) =>
      parse(file, ['egresses', it.name, 'server_public_key'], (pem) => createPublicKey(pem)),
    ),
    maxMessageBytes: config.maxMessageBytes,
    clock,
  });
};

const signersOf = (
  { signing, name }: Named<McollectiveStompConfig>,
  { parse, clock }: Surroundings,
): Signers =>
  signing.kind === 'keys'
    ? keyFolder(signing.folder, clock)
    : sharedSigner({
        callerId: signing.callerid,
        key: parse(signing.privateKey, ['egresses', name, 'signing', 'private_key'], (pem) =>
          createPrivateKey(pem),
        ),
      });

/** The collectives that an ingress passes sealed; those of one route share one mode, so that no request mixes routes. */
const sealedOf = (
  ingress: string,
  { routes, egresses }: Config,
): ReadonlyMap<string, { readonly verify: boolean }> =>
  new Map(
    routes
      .filter(({ from, to }) => from === ingress && egresses.get(to)?.type === 'choria-collective')
      .flatMap(({ collectives, verify }) => {
        const mode = { verify };
        return collectives.map((collective) => [collective, mode] as const);
      }),
  );

/** A link's events as log lines and counters. */
const listener =
  (link: string, { log, stats }: Surroundings): LinkListener =>
  (event: LinkEvent) => {
    switch (event.kind) {
      case 'connected':
        log.info({ link, server: event.server, note: event.note }, 'connected');
        break;
      case 'disconnected':
        log.warn({ link, server: event.server, reason: event.reason }, 'disconnected');
        break;
      case 'retry':
        log.warn(
          { link, server: event.server, reason: event.reason, delay_ms: event.delay },
          'connection failed, trying again',
        );
        break;
      case 'expired':
        // Nobody sent it, and the next one says more.
        if (isStatsSubject(event.destination)) break;
        stats.add('expired', event.count);
        log.warn(
          { link, destination: event.destination, count: event.count },
          'expired while waiting for the connection',
        );
        break;
      case 'error':
        log.error({ link, err: event.error }, 'link error');
        break;
    }
  };
