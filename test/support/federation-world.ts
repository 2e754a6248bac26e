import type { BridgeProcess } from './bridge.ts';
import type { ChoriaClient } from './choria-client.ts';
import { type Fleet, startFleet } from './choria-fleet.ts';
import { type ChoriaNetwork, startChoriaNetwork } from './choria-network.ts';
import { makeV2Key } from './choria-v2.ts';
import { startWorld, type World } from './world.ts';

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5'];
export const EAST = NODES.map((node) => `${node}.east.example.net`);
export const WEST = NODES.map((node) => `${node}.west.example.net`);
export const MODERN = ['m1.example.net', 'm2.example.net'];
export const PING = '{"agent":"rpcutil","action":"ping","data":{}}';
/** Of the callers of protocol 2. */
export const ISSUER = makeV2Key();

/**
 * The networks of two members, each with a CA of its own, beside a world's legacy collective; and one bridge that
 * serves them all. In the east nodes speak Ruby's dialect, some of them protocol 2; in the west they speak Go's, and
 * requests to them are verified.
 */
export interface FederationWorld {
  readonly world: World;
  readonly east: ChoriaNetwork;
  readonly west: ChoriaNetwork;
  readonly fleets: Readonly<Record<'east' | 'west' | 'modern', Fleet>>;
  readonly clients: Readonly<Record<'ruby' | 'go', ChoriaClient>>;
  readonly bridge: BridgeProcess;
  /** Lets the fleets forget what they got. */
  forget(): void;
  stop(): Promise<void>;
}

/** Of the bridge. */
interface FederationConfig {
  readonly [setting: string]: unknown;
  readonly routes: readonly { readonly to: string; readonly [setting: string]: unknown }[];
}

/**
 * @param legacy legacy daemons to start
 * @param changes of the bridge's configuration
 */
export const startFederationWorld = async (
  legacy: readonly string[],
  changes: (config: FederationConfig) => object = (it) => it,
): Promise<FederationWorld> => {
  const [world, east, west] = await Promise.all([
    startWorld({ nodes: legacy }),
    startChoriaNetwork('east'),
    startChoriaNetwork('west'),
  ]);
  const callers = world.authority.certificate;
  const at = ({ nats, authority, tls }: ChoriaNetwork) => ({
    url: nats.url,
    tls: tls(authority.issue({ commonName: 'nodes.example.net' })),
  });
  const fleets = {
    east: await startFleet({
      ...at(east),
      dialect: 'ruby',
      callers,
      collectives: ['east', 'east_secret'],
      nodes: EAST,
      services: ['registry'],
    }),
    west: await startFleet({ ...at(west), dialect: 'go', callers, collectives: ['west'], nodes: WEST }),
    modern: await startFleet({
      ...at(east),
      protocol: 2,
      issuer: ISSUER,
      collectives: ['modern'],
      nodes: MODERN,
    }),
  };
  for (const { files } of [east, west])
    for (const [name, text] of Object.entries(files)) world.files.write(name, text);
  const egress = ({ connection }: ChoriaNetwork) => ({ type: 'choria-collective', ...connection });
  const bridge = await world.bridge((config) =>
    changes({
      ...config,
      log: { level: 'info', format: 'json' },
      egresses: { ...config.egresses, east: egress(east), west: egress(west) },
      routes: [
        ...config.routes,
        { from: 'federation', to: 'east', collectives: ['east', 'modern', 'both'] },
        { from: 'federation', to: 'west', collectives: ['west'], verify: true },
      ],
    }),
  );
  const clients = {
    ruby: await world.client({ dialect: 'ruby' }),
    go: await world.client({ dialect: 'go' }),
  };
  return {
    world,
    east,
    west,
    fleets,
    clients,
    bridge,
    forget: () => {
      for (const fleet of Object.values(fleets)) fleet.forget();
    },
    stop: async () => {
      await Promise.all(Object.values(fleets).map((fleet) => fleet.close()));
      await world.stop();
      await Promise.all([east, west].map(({ nats }) => nats.stop()));
    },
  };
};
