import type { ActiveMqOptions } from './activemq.ts';
import type { BridgeProcess } from './bridge.ts';
import { type Fleet, startFleet } from './choria-fleet.ts';
import { type McoClient, makeMcoClient, type Serializer } from './mcollectived.ts';
import { keyPair } from './pki.ts';
import { type BridgeConfig, SERVER_KEYS, startWorld, type World, YAML_COLLECTIVE } from './world.ts';

/** Choria nodes of Go's dialect in the main collective and the YAML one, of Ruby's in the sub-collective. */
export const C1 = 'c1.new.example.net';
export const C2 = 'c2.new.example.net';
export const C3 = 'c3.new.example.net';
export const R1 = 'r1.new.example.net';
export const R2 = 'r2.new.example.net';
export const UK_COLLECTIVE = 'uk_collective';
const AGENTS = ['discovery', 'rpcutil', 'echo'];

/** Nodes of both kinds in one collective, real clients on both sides, and a bridge in between. */
export interface MixedWorld {
  readonly world: World;
  readonly fleets: Readonly<Record<'go' | 'ruby', Fleet>>;
  readonly bridge: BridgeProcess;
  /** The real `mco` of `cert=alice`. */
  readonly mco: Readonly<Record<Serializer, McoClient>>;
  /** Another `mco`. @param name whose key it has @param clock how far its clock is off, as faketime has it */
  client(name: string, extra?: Readonly<Record<string, string>>, clock?: string): Promise<McoClient>;
  stop(): Promise<void>;
}

export interface MixedOptions {
  /** Legacy daemons to start. */
  readonly legacy: readonly string[];
  readonly activemq?: ActiveMqOptions;
  /** Further files beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly changes?: (config: MixedConfig) => object;
}

export type MixedConfig = ReturnType<typeof mixedConfig>;

/** The configuration of a world's bridge, for a mixed fleet. */
export const mixedConfig = (config: BridgeConfig) => {
  const { legacy } = config.egresses;
  const { servers, user, password, heartbeat } = legacy;
  const { tls, servers: nats } = config.ingresses.federation;
  const mco = {
    type: 'mcollective-stomp',
    servers,
    user,
    password,
    heartbeat,
    callers: { keys_dir: 'clients' },
    server_private_key: 'server-private.pem',
    local_egress: 'legacy',
  };
  const choria = {
    type: 'choria-collective',
    servers: nats,
    tls,
    signing: { cert: 'privileged-cert.pem', key: 'privileged-key.pem' },
    discovery: { every: '2s' },
  };
  const discovery = { every: '2s', caller: 'cert=alice' };
  const toChoria = [{ regex: 'cert=(.+)', to: 'choria=$1.mcollective' }];
  const toLegacy = [{ regex: 'choria=(.+)\\.mcollective', to: 'cert=$1' }];
  return {
    ...config,
    statistics: { interval: '2s' },
    ingresses: {
      ...config.ingresses,
      mco,
      mco_yaml: { ...mco, serializer: 'yaml', local_egress: 'legacy_yaml' },
      choria_clients: { type: 'choria-collective', servers: nats, tls, local_egress: 'choria' },
    },
    egresses: {
      legacy: { ...legacy, discovery },
      legacy_yaml: { ...config.egresses.legacy_yaml, discovery },
      choria,
      // Ruby's nodes believe nobody but the caller himself.
      choria_ruby: { ...choria, signing: { ...choria.signing, certs_dir: 'certs' }, compound: 'tokens' },
    },
    routes: [
      ...config.routes,
      { from: 'mco', to: 'choria', collectives: ['mcollective'], identities: toChoria },
      { from: 'mco', to: 'choria_ruby', collectives: [UK_COLLECTIVE], identities: toChoria },
      { from: 'mco_yaml', to: 'choria', collectives: [YAML_COLLECTIVE], identities: toChoria },
      { from: 'choria_clients', to: 'legacy', collectives: ['mcollective'], identities: toLegacy },
    ],
  };
};

export const startMixedWorld = async ({
  legacy,
  activemq,
  files: further = {},
  changes = (config) => config,
}: MixedOptions): Promise<MixedWorld> => {
  const world = await startWorld({ nodes: legacy, ...(activemq && { activemq: () => activemq }) });
  const { authority, nats, files } = world;
  const node = authority.issue({ commonName: 'nodes.example.net' });
  const common = {
    url: nats.url,
    tls: { ca: authority.certificate, cert: node.certificate, key: node.privateKey },
    callers: authority.certificate,
  };
  const fleets = {
    go: await startFleet({
      ...common,
      dialect: 'go',
      collectives: ['mcollective', YAML_COLLECTIVE],
      nodes: [
        {
          identity: C1,
          facts: { country: 'uk', osfamily: 'Debian', cores: '4' },
          classes: ['apache', 'settings'],
          agents: AGENTS,
        },
        {
          identity: C2,
          facts: { country: 'mt', osfamily: 'RedHat', cores: '16' },
          classes: ['mysql', 'settings'],
          agents: AGENTS,
        },
        {
          identity: C3,
          facts: { country: 'uk', osfamily: 'FreeBSD', cores: '2' },
          classes: ['nginx'],
          agents: AGENTS,
        },
      ],
    }),
    ruby: await startFleet({
      ...common,
      dialect: 'ruby',
      collectives: [UK_COLLECTIVE],
      nodes: [
        { identity: R1, facts: { country: 'uk', cores: '8' }, classes: ['apache'], agents: AGENTS },
        { identity: R2, facts: { country: 'mt', cores: '2' }, classes: ['mysql'], agents: AGENTS },
      ],
    }),
  };
  const privileged = authority.issue({ commonName: 'mcbridge.privileged.mcollective', usages: ['client'] });
  files.write('privileged-cert.pem', privileged.certificate);
  files.write('privileged-key.pem', privileged.privateKey);
  for (const name of ['alice.mcollective']) {
    const { certificate, privateKey } = authority.issue({ commonName: name, usages: ['client'] });
    files.write(`certs/${name}.pem`, certificate);
    files.write(`certs/${name}.key`, privateKey);
  }
  files.write('server-private.pem', SERVER_KEYS.privateKey);
  for (const [name, text] of Object.entries(further)) files.write(name, text);
  files.write('clients/alice.pem', keyPair('legacy alice').publicKey);
  const clients: McoClient[] = [];
  const makeClient = async (
    name: string,
    serializer: Serializer,
    extra: Readonly<Record<string, string>> = {},
    clock?: string,
  ): Promise<McoClient> => {
    const main = serializer === 'yaml' ? [YAML_COLLECTIVE] : ['mcollective', UK_COLLECTIVE];
    const client = await makeMcoClient({
      identity: 'desk.example.net',
      activemqPort: world.activemq.port,
      user: world.activemq.user,
      password: world.activemq.password,
      mainCollective: main[0] ?? '',
      collectives: main,
      serializer,
      serverPublicKey: SERVER_KEYS.publicKey,
      name,
      keys: keyPair(`legacy ${name}`),
      extra,
      ...(clock !== undefined && { clock }),
    });
    clients.push(client);
    return client;
  };
  const bridge = await world.bridge((config) => changes(mixedConfig(config)));
  return {
    world,
    fleets,
    bridge,
    mco: { marshal: await makeClient('alice', 'marshal'), yaml: await makeClient('alice', 'yaml') },
    client: (name, extra, clock) => makeClient(name, 'marshal', extra, clock),
    stop: async () => {
      await Promise.all(clients.map((client) => client.remove()));
      await Promise.all(Object.values(fleets).map((fleet) => fleet.close()));
      await world.stop();
    },
  };
};
