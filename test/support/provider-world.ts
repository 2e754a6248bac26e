import { generateKeyPairSync } from 'node:crypto';
import { parse } from 'yaml';
import { z } from 'zod';
import { blocksOf } from '../docs/commands.ts';
import { type ActiveMq, startActiveMq } from './activemq.ts';
import {
  type BridgeFolder,
  type BridgeProcess,
  launchBridge,
  makeBridgeFolder,
  untilReady,
} from './bridge.ts';
import { type ChoriaClient, connectChoriaClient } from './choria-client.ts';
import { type Fleet, startFleet } from './choria-fleet.ts';
import { type ChoriaNetwork, startChoriaNetwork } from './choria-network.ts';
import { type McoClient, type Mcollectived, makeMcoClient, startMcollectived } from './mcollectived.ts';
import { type Authority, keyPair, makeAuthority } from './pki.ts';
import { CLUSTER_KEY, SERVER_KEYS } from './world.ts';

/** Both customers have a node of this name, in a collective of one name. */
export const WEB = 'web1.example.net';
export const DB = 'db1.example.net';

export type Customer = 'acme' | 'globex' | 'initech';

/**
 * The network of one operator and those of customers, each with a CA of its own, and a bridge by the guide's own configuration. A
 * third customer, Initech, is as Acme, and has a node of the same name.
 */
export interface ProviderWorld {
  readonly operator: ChoriaNetwork;
  readonly acme: ChoriaNetwork;
  readonly initech: ChoriaNetwork;
  readonly globex: { readonly activemq: ActiveMq; readonly authority: Authority };
  /** Of Acme. */
  readonly fleet: Fleet;
  /** Of Globex. */
  readonly daemon: Mcollectived;
  readonly files: BridgeFolder;
  readonly bridge: BridgeProcess;
  /** The PEM public half of what signs the audit. */
  readonly auditKey: string;
  /** Someone of the operator's, who asks that customer. */
  client(name: string, customer: Customer): Promise<ChoriaClient>;
  /** Anybody at Acme. @param cluster whose broker he takes himself to be behind */
  atAcme(name: string, cluster?: string): Promise<ChoriaClient>;
  /** Anybody at Initech. */
  atInitech(name: string): Promise<ChoriaClient>;
  /** One of Globex' own people, with the real `mco`. */
  atGlobex(name: string): Promise<McoClient>;
  stop(): Promise<void>;
}

const section = z.record(z.string(), z.looseObject({ servers: z.array(z.string()) }));
const guide = z.looseObject({
  ingresses: section,
  egresses: section,
  routes: z.array(z.looseObject({ from: z.string() })),
  policies: z.record(z.string(), z.looseObject({})),
  audit: z.looseObject({ sinks: z.array(z.looseObject({ file: z.string() })) }),
});

/** With a further customer, as the guide tells: an ingress, an egress, a route, a policy and a sink, all as Acme's. */
const withInitech = (config: z.output<typeof guide>): z.output<typeof guide> => {
  const likeAcme = <T>(part: T): T => JSON.parse(JSON.stringify(part).replaceAll('acme', 'initech'));
  const { ingresses, egresses, routes, policies, audit } = config;
  return {
    ...config,
    ingresses: { ...ingresses, ...likeAcme({ for_acme: ingresses['for_acme'] ?? { servers: [] } }) },
    egresses: { ...egresses, ...likeAcme({ acme: egresses['acme'] ?? { servers: [] } }) },
    routes: [...routes, ...likeAcme(routes.filter(({ from }) => from === 'for_acme'))],
    policies: { ...policies, ...likeAcme({ acme: policies['acme'] ?? {} }) },
    audit: {
      ...audit,
      sinks: [...audit.sinks, ...likeAcme(audit.sinks.filter(({ file }) => file.includes('acme')))],
    },
  };
};

/** The configuration of the guide, with these brokers in place of those that it names. */
const guideConfig = (servers: Readonly<Record<string, string>>): object => {
  const [text = ''] = blocksOf('docs/service-provider.md', 'yaml');
  const config = withInitech(guide.parse(parse(text)));
  for (const [name, url] of Object.entries(servers)) {
    const side = config.ingresses[name] ?? config.egresses[name];
    if (side === undefined) throw new Error(`the guide has no ${name}`);
    side.servers = [url];
  }
  return {
    ...config,
    instance: 'a',
    log: { level: 'info', format: 'json' },
    http: { listen: '127.0.0.1:0' },
  };
};

const startGlobex = async () => {
  const authority = makeAuthority('globex CA');
  const broker = authority.issue({ commonName: 'activemq.globex.example.org' });
  const activemq = await startActiveMq({
    users: [{ name: 'provider', password: 'of-globex' }],
    tls: { ca: authority.certificate, cert: broker.certificate, key: broker.privateKey },
  });
  const daemon = await startMcollectived({
    activemqPort: activemq.port,
    user: activemq.user,
    password: activemq.password,
    serializer: 'marshal',
    mainCollective: 'mcollective',
    collectives: ['mcollective'],
    serverKeys: SERVER_KEYS,
    clientPublicKeys: {
      'provider-alice': keyPair('globex provider-alice').publicKey,
      carol: keyPair('globex carol').publicKey,
    },
    identity: WEB,
    facts: {},
    classes: [],
  });
  return { activemq, authority, daemon };
};

export const startProviderWorld = async (): Promise<ProviderWorld> => {
  const [operator, acme, initech, globex] = await Promise.all([
    startChoriaNetwork('provider'),
    startChoriaNetwork('acme'),
    startChoriaNetwork('initech'),
    startGlobex(),
  ]);
  const nodesOf = ({ nats, authority, tls }: ChoriaNetwork, nodes: readonly string[]): Promise<Fleet> =>
    startFleet({
      url: nats.url,
      tls: tls(authority.issue({ commonName: 'nodes.example.com' })),
      callers: authority.certificate,
      dialect: 'go',
      collectives: ['mcollective'],
      nodes: nodes.map((identity) => ({ identity, agents: ['discovery', 'rpcutil', 'puppet'] })),
    });
  const [fleet, other] = await Promise.all([nodesOf(acme, [WEB, DB]), nodesOf(initech, [WEB])]);
  const signing = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const files = makeBridgeFolder({
    ...operator.files,
    ...acme.files,
    ...initech.files,
    'globex/ca.pem': globex.authority.certificate,
    'globex/server-public.pem': SERVER_KEYS.publicKey,
    'globex/callers/provider-alice.pem': keyPair('globex provider-alice').privateKey,
    'audit/signing-key.pem': signing.privateKey,
  });
  for (const [customer, { authority }] of Object.entries({ acme, initech }))
    for (const name of ['ops-alice.mcollective', 'ops-bob.mcollective']) {
      const issued = authority.issue({ commonName: name });
      files.write(`${customer}/callers/${name}.pem`, issued.certificate);
      files.write(`${customer}/callers/${name}.key`, issued.privateKey);
    }
  const config = guideConfig({
    for_acme: operator.nats.url,
    for_globex: operator.nats.url,
    for_initech: operator.nats.url,
    acme: acme.nats.url,
    initech: initech.nats.url,
    globex: `stomp+ssl://127.0.0.1:${globex.activemq.tlsPort}`,
  });
  const bridge = launchBridge(files.configure(config), {
    MCBRIDGE_CLUSTER_KEY: CLUSTER_KEY,
    GLOBEX_PASSWORD: globex.activemq.password,
  });
  await untilReady(bridge);
  const clients: ChoriaClient[] = [];
  const connectTo = async ({ nats, authority, tls }: ChoriaNetwork, name: string, cluster?: string) => {
    const identity = authority.issue({ commonName: name });
    const client = await connectChoriaClient({
      url: nats.url,
      tls: tls(identity),
      certificate: identity.certificate,
      key: identity.privateKey,
      dialect: 'go',
      identity: name,
      ...(cluster !== undefined && { cluster }),
    });
    clients.push(client);
    return client;
  };
  return {
    operator,
    acme,
    initech,
    globex,
    fleet,
    daemon: globex.daemon,
    files,
    bridge,
    auditKey: signing.publicKey,
    client: (name, customer) => connectTo(operator, name, customer),
    atAcme: (name, cluster) => connectTo(acme, name, cluster),
    atInitech: (name) => connectTo(initech, name),
    atGlobex: (name) =>
      makeMcoClient({
        identity: 'desk.globex.example.org',
        activemqPort: globex.activemq.port,
        user: globex.activemq.user,
        password: globex.activemq.password,
        mainCollective: 'mcollective',
        collectives: ['mcollective'],
        serializer: 'marshal',
        serverPublicKey: SERVER_KEYS.publicKey,
        name,
        keys: keyPair(`globex ${name}`),
      }),
    stop: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await bridge.child.kill();
      await Promise.all([fleet.close(), other.close(), globex.daemon.stop()]);
      await Promise.all([
        ...[operator, acme, initech].map(({ nats }) => nats.stop()),
        globex.activemq.stop(),
      ]);
      files.remove();
    },
  };
};
