import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { freePort } from '../src/testing/ports.ts';
import type { Link } from '../src/transport/link.ts';
import { createStompLink } from '../src/transport/stomp/index.ts';
import { type ActiveMq, startActiveMq } from '../test/support/activemq.ts';
import { makeBridgeFolder } from '../test/support/bridge.ts';
import { openRawLink } from '../test/support/burst.ts';
import { type NatsServer, startNatsServer } from '../test/support/nats-server.ts';
import { type Identity, makeAuthority } from '../test/support/pki.ts';
import { start } from '../test/support/process.ts';
import { PROGRAM, untilReady } from './federation-world.ts';

export const CLUSTER = 'bench';
/** Passed through, opaque, from the clients' network to the nodes'. */
export const OPAQUE = 'opaque';
/** Translated, both ways. */
export const TRANSLATED = 'mcollective';
export const TTL = 3_000;

const pair = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

/** A bridge process of its own between the networks of one world, with the buffers that it has unless told. */
export interface Bridge {
  /** The most resident memory that it has had, in MiB. */
  peak(): number;
  log(): string;
  stop(): Promise<void>;
}

export interface BurstWorld {
  /** Where Choria's clients are. */
  readonly clients: Link;
  /** Where Choria's nodes are. */
  readonly nodes: Link;
  /** Legacy clients and nodes, each with a connection. */
  readonly mco: Link;
  readonly daemons: Link;
  readonly alice: Identity;
  /** PEM text: of the legacy client, and of all daemons. */
  readonly legacyKey: string;
  readonly serverKey: string;
  bridge(): Promise<Bridge>;
  stop(): Promise<void>;
}

const stompLink = async ({ host, port, user, password }: ActiveMq): Promise<Link> => {
  const link = createStompLink({
    servers: [{ host, port }],
    login: user,
    passcode: password,
    vhost: 'bench',
    buffer: { maxMessages: 1_000_000, maxBytes: 2 * 1024 ** 3 },
    clock: Date.now,
    onEvent: (event) => {
      if (event.kind !== 'connected') throw new Error(`unexpected: ${JSON.stringify(event)}`);
    },
  });
  await link.open();
  return link;
};

const configuration = (clients: NatsServer, nodes: NatsServer, { port, user, password }: ActiveMq) => {
  const tls = { ca: 'ca.pem', cert: 'bridge.pem', key: 'bridge.key' };
  const stomp = { type: 'mcollective-stomp', servers: [`stomp://127.0.0.1:${port}`], user, password };
  return {
    identity: 'bridge.example.net',
    cluster: CLUSTER,
    cluster_key_file: 'cluster.key',
    drain_timeout: '1s',
    max_ttl: '1h',
    log: { level: 'warn', format: 'json' },
    ingresses: {
      clients: { type: 'choria-federation', servers: [clients.url], tls },
      mco: { ...stomp, callers: { keys_dir: 'clients' }, server_private_key: 'server.key' },
    },
    egresses: {
      nodes: {
        type: 'choria-collective',
        servers: [nodes.url],
        tls,
        signing: { cert: 'privileged.pem', key: 'privileged.key' },
        nodes: ['*.choria.example.net'],
        discovery: { every: 0 },
      },
      legacy: { ...stomp, signing: { keys_dir: 'keys' }, server_public_key: 'server.pem' },
    },
    routes: [
      { from: 'clients', to: 'nodes', collectives: [OPAQUE] },
      {
        from: 'clients',
        to: 'legacy',
        collectives: [TRANSLATED],
        identities: [{ regex: 'choria=(.+)\\.mcollective', to: 'cert=$1' }],
      },
      {
        from: 'mco',
        to: 'nodes',
        collectives: [TRANSLATED],
        identities: [{ regex: 'cert=(.+)', to: 'choria=$1.mcollective' }],
      },
    ],
  };
};

const peakMiB = (pid: number): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** Two nats-servers over TLS, an ActiveMQ, and clients and nodes on all sides. */
export const startBurstWorld = async (): Promise<BurstWorld> => {
  const authority = makeAuthority('bench CA');
  const side = authority.issue({ commonName: 'nats.example.net', usages: ['server'] });
  const serverTls = { ca: authority.certificate, cert: side.certificate, key: side.privateKey };
  const [left, right, activemq] = await Promise.all([
    startNatsServer({ tls: serverTls, ownWriteDeadline: true }),
    startNatsServer({ tls: serverTls, ownWriteDeadline: true }),
    startActiveMq({ heap: '1024m' }),
  ]);
  const [bridge, privileged, alice] = [
    authority.issue({ commonName: 'bridge.example.net' }),
    authority.issue({ commonName: 'mcbridge.privileged.mcollective' }),
    authority.issue({ commonName: 'alice.mcollective' }),
  ];
  const [legacy, server] = [pair(), pair()];
  const folder = makeBridgeFolder({
    'ca.pem': authority.certificate,
    'bridge.pem': bridge.certificate,
    'bridge.key': bridge.privateKey,
    'privileged.pem': privileged.certificate,
    'privileged.key': privileged.privateKey,
    'cluster.key': randomBytes(48).toString('base64'),
    'clients/alice.pem': legacy.publicKey,
    'keys/alice.pem': legacy.privateKey,
    'server.pem': server.publicKey,
    'server.key': server.privateKey,
  });
  const tls = { ca: authority.certificate, cert: alice.certificate, key: alice.privateKey };
  const links = await Promise.all([
    openRawLink({ url: left.url, tls }),
    openRawLink({ url: right.url, tls }),
    stompLink(activemq),
    stompLink(activemq),
  ]);
  const [clients, nodes, mco, daemons] = links;
  return {
    clients,
    nodes,
    mco,
    daemons,
    alice,
    legacyKey: legacy.privateKey,
    serverKey: server.privateKey,
    bridge: async () => {
      const http = `127.0.0.1:${await freePort()}`;
      const config = folder.configure({ ...configuration(left, right, activemq), http: { listen: http } });
      const child = start(process.execPath, [PROGRAM, 'run', '--config', config]);
      await untilReady(child, `http://${http}`);
      return { peak: () => peakMiB(child.pid), log: () => child.log(), stop: () => child.stop() };
    },
    stop: async () => {
      await Promise.all(links.map((link) => link.close()));
      await Promise.all([left.stop(), right.stop(), activemq.stop()]);
      folder.remove();
    },
  };
};
