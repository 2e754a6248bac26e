import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../src/testing/ports.ts';
import { type BridgeFolder, makeBridgeFolder } from '../test/support/bridge.ts';
import { type NatsServer, startNatsServer } from '../test/support/nats-server.ts';
import { type Identity, makeAuthority } from '../test/support/pki.ts';
import { type Child, start } from '../test/support/process.ts';
import { Peer } from './peer-messages.ts';
import { CLUSTER } from './traffic.ts';

/** The program as it is installed; this file runs from `.bench/bench`. */
/** Of the project's folder, where everything is run from. */
export const PROGRAM = resolve('dist/cli/main.js');
const PEER = fileURLToPath(new URL('./peer.js', import.meta.url));
/** How often the bridge is asked whether it is ready, in ms, and for how long. */
const PROBE_EVERY = 100;
const READY_MS = 20_000;

/** What tells a bridge of the world from the others. */
export interface BridgeOptions {
  readonly cluster: string;
  /** Keys of its route. */
  readonly route?: object;
  /** Keys of its whole configuration. */
  readonly more?: object;
}

export interface WorldOptions {
  readonly logLevel: 'info' | 'warn';
  /** The longest that a request waits in the bridge, e.g. `10s`. */
  readonly maxTtl?: string;
  /** What may wait in the bridge; a request counts once for each of its targets. */
  readonly buffer: { readonly messages: number; readonly bytes: string };
  /** Further bridges between the same servers. */
  readonly others?: readonly BridgeOptions[];
}

export interface Access {
  readonly server: string;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
}

export interface World {
  /** Where clients are. */
  readonly federation: NatsServer;
  /** Where nodes are. */
  readonly collective: NatsServer;
  readonly bridge: Child;
  /** Where the bridge serves its statistics. */
  readonly http: string;
  /** How a client gets into a server. */
  access(server: NatsServer): Access;
  /** Another process, connected to the server. */
  peer(server: NatsServer, options?: { readonly reconnect: number }): Promise<Peer>;
  stop(): Promise<void>;
}

const files = (ca: Identity, bridge: Identity): Readonly<Record<string, string>> => ({
  'ca.pem': ca.certificate,
  'bridge.pem': bridge.certificate,
  'bridge.key': bridge.privateKey,
  'cluster.key': randomBytes(48).toString('base64'),
});

const configuration = (
  federation: NatsServer,
  collective: NatsServer,
  http: string,
  options: WorldOptions,
  { cluster, route, more }: BridgeOptions,
) => {
  const tls = { ca: 'ca.pem', cert: 'bridge.pem', key: 'bridge.key' };
  const { buffer } = options;
  return {
    identity: 'bridge.example.net',
    cluster,
    cluster_key_file: 'cluster.key',
    // Requests that nobody answers are in flight until their ttl ends.
    drain_timeout: '1s',
    max_ttl: options.maxTtl ?? '1h',
    http: { listen: http.slice('http://'.length) },
    log: { level: options.logLevel, format: 'json' },
    ingresses: { clients: { type: 'choria-federation', servers: [federation.url], tls, buffer } },
    egresses: { nodes: { type: 'choria-collective', servers: [collective.url], tls, buffer } },
    routes: [{ from: 'clients', to: 'nodes', collectives: ['mcollective'], ...route }],
    ...more,
  };
};

/** A server for the clients, one for the nodes, and a bridge process between them, or more; TLS with client certificates. */
export const startWorld = async (options: WorldOptions): Promise<World> => {
  const authority = makeAuthority('bench CA');
  const serverSide = authority.issue({ commonName: 'nats.example.net', usages: ['server'] });
  const tls = { ca: authority.certificate, cert: serverSide.certificate, key: serverSide.privateKey };
  const peers = new Set<Peer>();
  const servers: NatsServer[] = [];
  const folders: BridgeFolder[] = [];
  const bridges: Child[] = [];
  const stop = async (): Promise<void> => {
    for (const peer of peers) peer.stop();
    for (const bridge of bridges) await bridge.stop();
    for (const folder of folders) folder.remove();
    for (const server of servers) await server.stop();
  };
  try {
    const federation = await startNatsServer({ tls, ownWriteDeadline: true });
    servers.push(federation);
    const collective = await startNatsServer({ tls, ownWriteDeadline: true });
    servers.push(collective);
    const startBridge = async (which: BridgeOptions) => {
      const http = `http://127.0.0.1:${await freePort()}`;
      const folder = makeBridgeFolder(
        files(authority, authority.issue({ commonName: 'bridge.example.net' })),
      );
      folders.push(folder);
      const config = folder.configure(configuration(federation, collective, http, options, which));
      const bridge = start(process.execPath, [PROGRAM, 'run', '--config', config]);
      bridges.push(bridge);
      await untilReady(bridge, http);
      return { bridge, http };
    };
    const { certificate, privateKey } = authority.issue({
      commonName: 'client.mcollective',
      usages: ['client'],
    });
    const access = ({ url }: NatsServer): Access => ({
      server: url.replace(/^nats:/, 'tls:'),
      tls: { ca: authority.certificate, cert: certificate, key: privateKey },
    });
    const peer: World['peer'] = async (server, { reconnect } = { reconnect: 0 }) => {
      const made = new Peer(fork(PEER, { execArgv: [] }));
      peers.add(made);
      made.tell({ kind: 'connect', ...access(server), reconnect });
      await made.hear('connected');
      return made;
    };
    const { bridge, http } = await startBridge({ cluster: CLUSTER });
    for (const other of options.others ?? []) await startBridge(other);
    return { federation, collective, bridge, http, access, peer, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** At log level `warn` it does not say so in its log. */
export const untilReady = async (bridge: Child, http: string): Promise<void> => {
  let how: number | string | undefined;
  void bridge.exited.then((exit) => {
    how = exit;
  });
  for (const deadline = Date.now() + READY_MS; Date.now() < deadline && how === undefined; ) {
    const status = await fetch(`${http}/readyz`).then(
      (response) => response.status,
      () => undefined,
    );
    if (status === 200) return;
    await sleep(PROBE_EVERY);
  }
  throw new Error(`the bridge is not ready (${how ?? 'running'}):\n${bridge.log()}`);
};
