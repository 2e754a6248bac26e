import { type ActiveMq, type ActiveMqOptions, startActiveMq } from './activemq.ts';
import {
  type BridgeFolder,
  type BridgeProcess,
  launchBridge,
  makeBridgeFolder,
  untilReady,
} from './bridge.ts';
import { type ChoriaClient, type ChoriaClientOptions, connectChoriaClient } from './choria-client.ts';
import { type Mcollectived, type McollectivedOptions, startMcollectived } from './mcollectived.ts';
import { type NatsServer, startNatsServer } from './nats-server.ts';
import { type Authority, type Identity, keyPair, makeAuthority } from './pki.ts';

export const CLUSTER = 'production';
export const CLUSTER_KEY = 'only for tests, thirty-two bytes or more';
/** Three Marshal daemons share a collective and a sub-collective; a YAML daemon has one of its own. */
export const MARSHAL_COLLECTIVES = ['mcollective', 'uk_collective'] as const;
export const YAML_COLLECTIVE = 'yaml_collective';
export const NODE1 = 'node1.example.net';
export const NODE2 = 'node2.example.net';
export const NODE3 = 'node3.example.net';
export const YAML_NODE = 'yaml1.example.net';

/** The pair that all daemons share. */
export const SERVER_KEYS = keyPair('mcollective server');
/** The legacy callers that have a key in the bridge's key folder. */
const legacyCallers = ['alice', 'stranger'] as const;

/** Both sides with real peers, and what it takes to put bridges between them. */
export interface World {
  readonly authority: Authority;
  readonly nats: NatsServer;
  readonly activemq: ActiveMq;
  readonly daemons: readonly Mcollectived[];
  readonly files: BridgeFolder;
  /** A bridge of the cluster, each time another instance. */
  bridge(changes?: (config: BridgeConfig) => object): Promise<BridgeProcess>;
  /** The same, started but not waited for. */
  launch(changes?: (config: BridgeConfig) => object): BridgeProcess;
  /** All bridges so far. */
  bridges(): readonly BridgeProcess[];
  config(changes?: (config: BridgeConfig) => object): string;
  /** @param options `federated: false` for one that publishes in the collective itself */
  client(
    options?: Partial<ChoriaClientOptions> & { readonly name?: string; readonly federated?: boolean },
  ): Promise<ChoriaClient>;
  stop(): Promise<void>;
}

export type BridgeConfig = ReturnType<typeof baseConfig>;

const baseConfig = (nats: NatsServer, activemq: ActiveMq, instance: string) => {
  const stomp = {
    type: 'mcollective-stomp',
    servers: [`stomp://127.0.0.1:${activemq.port}`],
    user: activemq.user,
    password: activemq.password,
    signing: { keys_dir: 'keys' },
    server_public_key: 'server-public.pem',
    privileged: ['cert=root.*'],
    heartbeat: '5s',
  };
  const identities = [
    { exact: 'choria=boss.mcollective', to: 'cert=root' },
    { exact: 'choria=nokey.mcollective', to: 'cert=nobody' },
    { regex: 'choria=(.+)\\.mcollective', to: 'cert=$1' },
  ];
  return {
    identity: `bridge${instance}.example.net`,
    cluster: CLUSTER,
    instance,
    cluster_key: CLUSTER_KEY,
    max_ttl: 600 as number | string,
    drain_timeout: '5s',
    log: { level: 'debug', format: 'json' },
    http: { listen: '127.0.0.1:0' },
    ingresses: {
      federation: {
        type: 'choria-federation',
        servers: [nats.url],
        tls: { ca: 'ca.pem', cert: 'bridge-cert.pem', key: 'bridge-key.pem' },
      },
    },
    egresses: {
      legacy: stomp,
      legacy_yaml: { ...stomp, serializer: 'yaml' },
    },
    routes: [
      { from: 'federation', to: 'legacy', collectives: [...MARSHAL_COLLECTIVES] as string[], identities },
      { from: 'federation', to: 'legacy_yaml', collectives: [YAML_COLLECTIVE], identities },
    ],
  };
};

export interface WorldOptions {
  /** Daemons to start; all by default. */
  readonly nodes?: readonly string[];
  /** How ActiveMQ runs; the daemons log in as its first user. */
  readonly activemq?: (authority: Authority) => ActiveMqOptions;
}

export const startWorld = async ({
  nodes = [NODE1, NODE2, NODE3, YAML_NODE],
  activemq: brokerOptions = () => ({}),
}: WorldOptions = {}): Promise<World> => {
  const authority = makeAuthority('mcbridge test CA');
  const natsIdentity = authority.issue({ commonName: 'nats.example.net', dnsNames: ['localhost'] });
  const bridgeIdentity = authority.issue({ commonName: 'bridge.example.net' });
  const [nats, activemq] = await Promise.all([
    startNatsServer({
      tls: { ca: authority.certificate, cert: natsIdentity.certificate, key: natsIdentity.privateKey },
    }),
    startActiveMq(brokerOptions(authority)),
  ]);
  const common = {
    activemqPort: activemq.port,
    user: activemq.user,
    password: activemq.password,
    serverKeys: SERVER_KEYS,
    clientPublicKeys: { alice: keyPair('legacy alice').publicKey },
  };
  const marshal = {
    ...common,
    serializer: 'marshal',
    mainCollective: 'mcollective',
    collectives: MARSHAL_COLLECTIVES,
  } as const;
  const yaml = {
    ...common,
    serializer: 'yaml',
    mainCollective: YAML_COLLECTIVE,
    collectives: [YAML_COLLECTIVE],
  } as const;
  const all: readonly McollectivedOptions[] = [
    {
      ...marshal,
      identity: NODE1,
      facts: { country: 'uk', osfamily: 'Debian', cores: '4' },
      classes: ['apache', 'settings'],
    },
    {
      ...marshal,
      identity: NODE2,
      facts: { country: 'mt', osfamily: 'RedHat', cores: '16' },
      classes: ['mysql', 'settings'],
    },
    {
      ...marshal,
      // Not in the sub-collective, so that a request to that one must not reach it.
      collectives: ['mcollective'],
      identity: NODE3,
      facts: { country: 'uk', osfamily: 'FreeBSD', cores: '2' },
      classes: ['nginx'],
    },
    {
      ...yaml,
      identity: YAML_NODE,
      facts: { country: 'de', osfamily: 'Debian', cores: '8' },
      classes: ['apache'],
    },
  ];
  const daemons = await Promise.all(
    all.filter(({ identity }) => nodes.includes(identity)).map(startMcollectived),
  );
  const files = makeBridgeFolder({
    'ca.pem': authority.certificate,
    'bridge-cert.pem': bridgeIdentity.certificate,
    'bridge-key.pem': bridgeIdentity.privateKey,
    'server-public.pem': SERVER_KEYS.publicKey,
    ...Object.fromEntries(
      legacyCallers.map((name) => [`keys/${name}.pem`, keyPair(`legacy ${name}`).privateKey]),
    ),
  });
  const bridges: BridgeProcess[] = [];
  const clients: ChoriaClient[] = [];
  let instances = 0;
  const config = (changes: (config: BridgeConfig) => object = (it) => it): string => {
    const instance = String(++instances);
    return files.configure(changes(baseConfig(nats, activemq, instance)), `bridge${instance}.yaml`);
  };
  const launch = (changes?: (config: BridgeConfig) => object): BridgeProcess => {
    const bridge = launchBridge(config(changes));
    bridges.push(bridge);
    return bridge;
  };
  return {
    authority,
    nats,
    activemq,
    daemons,
    files,
    config,
    bridge: async (changes) => {
      const bridge = launch(changes);
      await untilReady(bridge);
      return bridge;
    },
    launch,
    bridges: () => bridges,
    client: async ({ name = 'alice.mcollective', federated = true, ...options } = {}) => {
      const identity: Identity = authority.issue({ commonName: name });
      const client = await connectChoriaClient({
        url: nats.url,
        tls: { ca: authority.certificate, cert: identity.certificate, key: identity.privateKey },
        certificate: identity.certificate,
        key: identity.privateKey,
        dialect: 'ruby',
        ...(federated && { cluster: CLUSTER }),
        identity: name,
        ...options,
      });
      clients.push(client);
      return client;
    },
    stop: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await Promise.all(bridges.map((bridge) => bridge.child.kill()));
      await Promise.all(daemons.map((daemon) => daemon.stop()));
      await Promise.all([nats.stop(), activemq.stop()]);
      files.remove();
    },
  };
};
