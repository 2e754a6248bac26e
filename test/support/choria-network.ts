import { type NatsServer, startNatsServer } from './nats-server.ts';
import { type Authority, type Identity, makeAuthority } from './pki.ts';

/** A Choria network: a server with TLS and a CA of its own. */
export interface ChoriaNetwork {
  readonly nats: NatsServer;
  readonly authority: Authority;
  /** To connect with, by whoever has a certificate of this network. */
  tls(identity: Identity): { readonly ca: string; readonly cert: string; readonly key: string };
  /** For the configuration of a bridge: files below `<name>/`. */
  readonly files: Readonly<Record<string, string>>;
  /** What an ingress and an egress of the bridge have in common. */
  readonly connection: object;
}

export const startChoriaNetwork = async (name: string): Promise<ChoriaNetwork> => {
  const authority = makeAuthority(`${name} CA`);
  const tls = ({ certificate, privateKey }: Identity) => ({
    ca: authority.certificate,
    cert: certificate,
    key: privateKey,
  });
  const bridge = authority.issue({ commonName: `bridge.${name}.example.net` });
  const nats = await startNatsServer({
    tls: tls(authority.issue({ commonName: `nats.${name}.example.net` })),
    // Tells of connections that come and go.
    extra: 'debug: true',
  });
  return {
    nats,
    authority,
    tls,
    files: {
      [`${name}/ca.pem`]: authority.certificate,
      [`${name}/cert.pem`]: bridge.certificate,
      [`${name}/key.pem`]: bridge.privateKey,
    },
    connection: {
      servers: [nats.url],
      tls: { ca: `${name}/ca.pem`, cert: `${name}/cert.pem`, key: `${name}/key.pem` },
    },
  };
};
