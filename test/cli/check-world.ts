import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check } from '../../src/cli/check.ts';
import type { Finding } from '../../src/config/checklist.ts';
import { keyPair, makeAuthority } from '../support/pki.ts';

export const choriaCa = makeAuthority('Choria CA');
export const bridge = choriaCa.issue({ commonName: 'mcbridge.example.net', usages: ['client'] });

/** A folder with a configuration and every file that it names, all in order. */
export interface CheckWorld {
  readonly folder: string;
  readonly config: string;
  write(name: string, content: string, mode?: number): void;
  remove(name: string): void;
  /** What `check` finds, without what is in order, as `status path: message`, the folder left out. */
  faults(options?: { readonly online?: true }): Promise<readonly string[]>;
  findings(options?: { readonly online?: true }): Promise<readonly Finding[]>;
  end(): void;
}

const CONFIG = `identity: mcbridge.example.net
cluster_key_file: cluster.key
ingresses:
  federation:
    type: choria-federation
    servers: [nats://127.0.0.1:4222]
    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }
egresses:
  legacy:
    type: mcollective-stomp
    servers: [stomp://127.0.0.1:61613]
    user: mcollective
    password: marionette
    signing: { keys_dir: keys }
    server_public_key: server.pem
routes:
  - from: federation
    to: legacy
    collectives: [mcollective]
    identities:
      - exact: choria=rip.mcollective
        to: cert=rip
http: { listen: off }
`;

export const makeCheckWorld = (edit: (config: string) => string = (config) => config): CheckWorld => {
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-check-'));
  const config = join(folder, 'bridge.yaml');
  const write = (name: string, content: string, mode = 0o600): void => {
    writeFileSync(join(folder, name), content);
    chmodSync(join(folder, name), mode);
  };
  mkdirSync(join(folder, 'keys'));
  write('bridge.yaml', edit(CONFIG));
  write('cluster.key', `${'k'.repeat(48)}\n`);
  write('ca.pem', choriaCa.certificate, 0o644);
  write('cert.pem', bridge.certificate, 0o644);
  write('key.pem', bridge.privateKey);
  write('server.pem', keyPair('daemons').publicKey, 0o644);
  write('keys/rip.pem', keyPair('rip').privateKey);
  return {
    folder,
    config,
    write,
    remove: (name) => rmSync(join(folder, name), { recursive: true }),
    findings: ({ online } = {}) => check(online === undefined ? { config, offline: true } : { config }),
    faults: async ({ online } = {}) => {
      const findings = await check(online === undefined ? { config, offline: true } : { config });
      return findings
        .filter(({ status }) => status !== 'ok')
        .map(({ status, path, message }) => `${status} ${path}: ${message}`.replaceAll(`${folder}/`, ''));
    },
    end: () => rmSync(folder, { recursive: true }),
  };
};
