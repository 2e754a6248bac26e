import { fileURLToPath } from 'node:url';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type BridgeFolder, makeBridgeFolder } from '../../support/bridge.ts';
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts';
import { makeAuthority } from '../../support/pki.ts';

/** The program as users run it. */
export const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
export const SUBJECT = 'choria.federation.production.stats';
export const PATIENCE_MS = 60_000;

/** A federation network with TLS, and somebody on it who publishes. */
export interface ObserveWorld {
  readonly nats: NatsServer;
  /** With `ca.pem`, `cert.pem` and `key.pem`, and the `other-ca.pem` of nobody here. */
  readonly folder: BridgeFolder;
  readonly publisher: NatsConnection;
  file(name: string): string;
  /** The options that connect to it. */
  network(url?: string): readonly string[];
  /** Arguments for node that observe the cluster `production` on it. */
  production(...more: readonly string[]): readonly string[];
  publish(document: string): void;
  /** Publishes these again and again until {@link quiet}, as nobody can know when a program listens. */
  keepPublishing(...documents: readonly string[]): void;
  quiet(): void;
  stop(): Promise<void>;
}

export const startObserveWorld = async (): Promise<ObserveWorld> => {
  const authority = makeAuthority('observe CA');
  const me = authority.issue({ commonName: 'alice.mcollective' });
  const server = authority.issue({ commonName: 'nats.example.net', dnsNames: ['localhost'] });
  const nats = await startNatsServer({
    tls: { ca: authority.certificate, cert: server.certificate, key: server.privateKey },
  });
  const folder = makeBridgeFolder({
    'ca.pem': authority.certificate,
    'other-ca.pem': makeAuthority('another CA').certificate,
    'cert.pem': me.certificate,
    'key.pem': me.privateKey,
  });
  const publisher = await connect({
    servers: nats.url,
    tls: { ca: authority.certificate, cert: me.certificate, key: me.privateKey },
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
  });
  const file = (name: string): string => `${folder.folder}/${name}`;
  const network = (url = nats.url): readonly string[] => [
    ...['--server', url, '--ca', file('ca.pem')],
    ...['--cert', file('cert.pem'), '--key', file('key.pem')],
  ];
  const publish = (document: string): void => publisher.publish(SUBJECT, document);
  let publishing: NodeJS.Timeout | undefined;
  return {
    nats,
    folder,
    publisher,
    file,
    network,
    production: (...more) => [
      ...[MAIN, 'federation', 'observe', '--cluster', 'production'],
      ...network(),
      ...more,
    ],
    publish,
    keepPublishing: (...documents) => {
      publishing = setInterval(() => documents.forEach(publish), 200);
    },
    quiet: () => clearInterval(publishing),
    stop: async () => {
      await publisher.close();
      await nats.stop();
      folder.remove();
    },
  };
};
