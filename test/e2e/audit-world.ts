import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BridgeProcess, launchBridge, makeBridgeFolder } from '../support/bridge.ts';
import { type ChoriaClient, connectChoriaClient } from '../support/choria-client.ts';
import { startFleet } from '../support/choria-fleet.ts';
import { startChoriaNetwork } from '../support/choria-network.ts';

export const NODES = ['n1.east.example.net', 'n2.east.example.net'];

/** One real NATS server with nodes and a client, and a bridge that lets out nothing whose record is not on the disk. */
export const startAuditWorld = async () => {
  const network = await startChoriaNetwork('east');
  const { nats, authority, tls, files, connection } = network;
  const folder = makeBridgeFolder(files);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  folder.write('audit.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  const fleet = await startFleet({
    url: nats.url,
    tls: tls(authority.issue({ commonName: 'nodes.example.net' })),
    dialect: 'ruby',
    callers: authority.certificate,
    collectives: ['east'],
    nodes: NODES,
  });
  const alice = authority.issue({ commonName: 'alice.mcollective' });
  const client: ChoriaClient = await connectChoriaClient({
    url: nats.url,
    tls: tls(alice),
    certificate: alice.certificate,
    key: alice.privateKey,
    dialect: 'ruby',
    cluster: 'production',
    identity: 'alice.mcollective',
  });
  const config = folder.configure({
    identity: 'bridge.example.net',
    cluster: 'production',
    cluster_key: '0123456789abcdef0123456789abcdef',
    http: { listen: 'off' },
    log: { level: 'info', format: 'json' },
    statistics: { interval: 0 },
    audit: {
      key_file: 'audit.pem',
      heads: { records: 50, interval: '1s' },
      sinks: [{ file: 'audit.log', on_failure: 'stop', rotate: '1MB' }],
    },
    ingresses: { federation: { type: 'choria-federation', ...connection, callers: { ca: 'east/ca.pem' } } },
    egresses: { nodes: { type: 'choria-collective', ...connection } },
    routes: [{ from: 'federation', to: 'nodes', collectives: ['east'], verify: true }],
  });
  return {
    folder: folder.folder,
    config,
    client,
    fleet,
    key: Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })),
    bridge: async (): Promise<BridgeProcess> => {
      const bridge = launchBridge(config);
      await bridge.line(({ event }) => event === 'ready', 'that it is ready');
      return bridge;
    },
    /** All files of the audit. */
    files: (): readonly string[] =>
      readdirSync(folder.folder)
        .filter((name) => name.startsWith('audit.log'))
        .map((name) => join(folder.folder, name)),
    /** The ids of requests that were let pass, as far as lines are whole. */
    recorded(): ReadonlySet<string> {
      const lines = this.files().flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(0, -1));
      return new Set(
        lines
          .map((line): { request_id?: string; mcbridge: { kind: string; verdict?: string } } =>
            JSON.parse(line),
          )
          .flatMap(({ request_id: id = '', mcbridge: { kind, verdict } }) =>
            kind === 'request' && verdict === 'allow' ? [id] : [],
          ),
      );
    },
    stop: async () => {
      await client.close();
      for (const node of NODES) await fleet.stop(node);
      await nats.stop();
      folder.remove();
    },
  };
};

export type AuditWorld = Awaited<ReturnType<typeof startAuditWorld>>;
