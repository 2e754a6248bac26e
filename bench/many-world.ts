import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { freePort } from '../src/testing/ports.ts';
import type { Link } from '../src/transport/link.ts';
import { makeBridgeFolder } from '../test/support/bridge.ts';
import { type NatsAccess, openRawLink } from '../test/support/burst.ts';
import { startNatsServer } from '../test/support/nats-server.ts';
import { type Identity, makeAuthority } from '../test/support/pki.ts';
import { start } from '../test/support/process.ts';
import { AUDIENCE, makeTokenIssuer, type TokenIssuer } from '../test/support/web-tokens.ts';
import { COLLECTIVE } from './many-nodes.ts';

export const CLUSTER = 'bench';
const PROGRAM = resolve('dist/cli/main.js');
const READY_MS = 60_000;
const MOST = 20_000;

/** A real nats-server, and one bridge process that takes requests for its nodes by WebSocket, by its page, and over NATS. */
export interface ManyWorld {
  /** Of the WebSocket ingress. */
  readonly web: string;
  /** Of the live page. */
  readonly page: string;
  readonly issuer: TokenIssuer;
  /** Whose requests over NATS the bridge takes. */
  readonly alice: Identity;
  readonly access: NatsAccess;
  /** A connection to the server. */
  connect(): Promise<Link>;
  log(): string;
  stop(): Promise<void>;
}

interface Ports {
  readonly page: number;
  readonly web: number;
}

const configuration = (nats: string, { page, web }: Ports, { issuer }: TokenIssuer) => {
  const side = { servers: [nats], tls: { ca: 'ca.pem', cert: 'bridge.pem', key: 'bridge.key' } };
  return {
    identity: 'bridge.example.net',
    cluster: CLUSTER,
    cluster_key_file: 'cluster.key',
    drain_timeout: '1s',
    max_targets: MOST,
    log: { level: 'info', format: 'json' },
    page: { listen: `127.0.0.1:${page}` },
    ingresses: {
      web: {
        type: 'websocket',
        listen: `127.0.0.1:${web}`,
        origins: [`http://127.0.0.1:${page}`],
        tokens: { issuer, audience: AUDIENCE, claim: 'email', jwks_file: 'jwks.json' },
        max_message: '1MiB',
        max_sessions_per_caller: 100,
      },
      clients: { type: 'choria-federation', ...side },
    },
    egresses: {
      nodes: {
        type: 'choria-collective',
        ...side,
        signing: { cert: 'privileged.pem', key: 'privileged.key' },
        discovery: { every: 0 },
      },
    },
    routes: [
      {
        from: 'web',
        to: 'nodes',
        collectives: [COLLECTIVE],
        identities: [{ regex: 'oidc=([a-z]+)@example\\.net', to: 'choria=$1.mcollective' }],
      },
      { from: 'clients', to: 'nodes', collectives: [COLLECTIVE] },
    ],
  };
};

export const startManyWorld = async (): Promise<ManyWorld> => {
  const authority = makeAuthority('bench CA');
  const issuer = makeTokenIssuer('https://login.example.net');
  const [server, bridge, privileged, alice] = [
    authority.issue({ commonName: 'nats.example.net', usages: ['server'] }),
    authority.issue({ commonName: 'bridge.example.net' }),
    authority.issue({ commonName: 'mcbridge.privileged.mcollective' }),
    authority.issue({ commonName: 'alice.mcollective' }),
  ];
  const nats = await startNatsServer({
    tls: { ca: authority.certificate, cert: server.certificate, key: server.privateKey },
  });
  const folder = makeBridgeFolder({
    'ca.pem': authority.certificate,
    'bridge.pem': bridge.certificate,
    'bridge.key': bridge.privateKey,
    'privileged.pem': privileged.certificate,
    'privileged.key': privileged.privateKey,
    'cluster.key': randomBytes(48).toString('base64'),
    'jwks.json': issuer.jwks,
  });
  const ports = { page: await freePort(), web: await freePort() };
  const access = {
    url: nats.url,
    tls: { ca: authority.certificate, cert: alice.certificate, key: alice.privateKey },
  };
  const links: Link[] = [];
  const config = folder.configure(configuration(nats.url, ports, issuer));
  const child = start(process.execPath, [PROGRAM, 'run', '--config', config]);
  const stop = async (): Promise<void> => {
    await Promise.all(links.map((link) => link.close()));
    await child.stop();
    await nats.stop();
    folder.remove();
  };
  try {
    await child.waitFor(/"event":"ready"/, READY_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    web: `ws://127.0.0.1:${ports.web}`,
    page: `http://127.0.0.1:${ports.page}/`,
    ...{ issuer, alice, access },
    connect: async () => {
      const link = await openRawLink(access);
      links.push(link);
      return link;
    },
    log: () => child.log(),
    stop,
  };
};
