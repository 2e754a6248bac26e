import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/testing/ports.ts';
import { type ActiveMq, startActiveMq } from '../support/activemq.ts';
import { type Fleet, startFleet } from '../support/choria-fleet.ts';
import { type McoClient, makeMcoClient, startMcollectived } from '../support/mcollectived.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { type Identity, keyPair, makeAuthority } from '../support/pki.ts';
import { type Child, type Finished, run, start } from '../support/process.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const SERVER_KEYS = keyPair('mcollective server');
const CLUSTER_KEY = 'only for tests, thirty-two bytes or more';

/** The machines of the docs: one legacy node that stays, and one that moves to Choria. */
export const WEB1 = 'web1.example.net';
export const MOVED = 'moved1.example.net';

/** The world that the docs speak of: a folder with their files, and a shell in it in which their commands run as written. */
export interface DocsWorld {
  readonly fleet: Fleet;
  readonly nats: NatsServer;
  readonly activemq: ActiveMq;
  /** A configuration of the docs with its hosts as they are reached here, an HTTP port of its own, and statistics and an end that a test need not wait for. */
  here(config: string): string;
  write(name: string, content: string | Uint8Array): void;
  /** Has the named file as another name too. */
  copy(from: string, to: string): void;
  /** Runs a line as bash does. */
  shell(line: string): Promise<Finished>;
  /** Starts one that stays, such as `mcbridge run`. */
  begin(line: string): Child;
  /** The node that moves runs a Choria server from now on, and no daemon any more. */
  move(): Promise<void>;
  stop(): Promise<void>;
}

/** Ports of the docs' hosts are those of this world; that is all that is changed, in files and by the command itself. */
const translate =
  (nats: NatsServer, activemq: ActiveMq) =>
  (text: string): string =>
    text
      .replaceAll(/nats1?\.example\.net:4222/g, nats.url.replace(/^\w+:\/\//, ''))
      .replaceAll(/activemq1?\.example\.net:61613/g, `127.0.0.1:${activemq.port}`);

/** `mcbridge` and `curl` in the path, which look for the docs' hosts and folders where they are here. */
const installPrograms = (folder: string, nats: NatsServer, http: string): string => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const places: readonly (readonly [string, string])[] = [
    ['nats1?\\.example\\.net:4222', nats.url.replace(/^\w+:\/\//, '')],
    ['mcbridge[12]\\.example\\.net:8222|localhost:8222', http],
    ['/etc/mcollective', `${folder}/etc/mcollective`],
  ];
  const script = places.map(([from, to]) => `s#${from}#${to}#g`).join(';');
  for (const [name, program] of [
    ['mcbridge', `'${process.execPath}' '${MAIN}'`],
    ['curl', '/usr/bin/curl'],
  ] as const) {
    const lines = [
      '#!/bin/bash',
      'args=()',
      `for arg in "$@"; do args+=("$(sed -E '${script}' <<< "$arg")"); done`,
      `exec ${program} "\${args[@]}"`,
    ];
    writeFileSync(join(bin, name), `${lines.join('\n')}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
};

export const startDocsWorld = async (): Promise<DocsWorld> => {
  const authority = makeAuthority('docs CA');
  const server = authority.issue({ commonName: 'nats.example.net', dnsNames: ['localhost'] });
  const [nats, activemq] = await Promise.all([
    startNatsServer({
      tls: { ca: authority.certificate, cert: server.certificate, key: server.privateKey },
    }),
    startActiveMq(),
  ]);
  const legacy = {
    activemqPort: activemq.port,
    user: activemq.user,
    password: activemq.password,
    mainCollective: 'mcollective',
    collectives: ['mcollective'],
    serializer: 'marshal',
  } as const;
  const publicKey = (name: string): string => keyPair(`legacy ${name}`).publicKey;
  const daemons = await Promise.all(
    [
      { identity: WEB1, facts: { osfamily: 'Debian', country: 'uk' }, classes: ['apache'] },
      { identity: MOVED, facts: { osfamily: 'FreeBSD', country: 'de' }, classes: ['mysql'] },
    ].map((node) =>
      startMcollectived({
        ...legacy,
        ...node,
        serverKeys: SERVER_KEYS,
        clientPublicKeys: { alice: publicKey('alice'), mcbridge: publicKey('mcbridge') },
      }),
    ),
  );
  const nodes = authority.issue({ commonName: 'nodes.example.net' });
  const fleet = await startFleet({
    url: nats.url,
    tls: { ca: authority.certificate, cert: nodes.certificate, key: nodes.privateKey },
    callers: authority.certificate,
    dialect: 'go',
    collectives: ['mcollective'],
    nodes: [],
  });
  const mco: McoClient = await makeMcoClient({
    ...legacy,
    identity: 'desk.example.net',
    serverPublicKey: SERVER_KEYS.publicKey,
    name: 'alice',
    keys: keyPair('legacy alice'),
  });
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-docs-'));
  const write = (name: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content, { mode: 0o600 });
  };
  const pair = (cert: string, key: string, it: Identity): void => {
    write(cert, it.certificate);
    write(key, it.privateKey);
  };
  const alice = authority.issue({ commonName: 'alice.mcollective' });
  const bridge = authority.issue({ commonName: 'mcbridge1.example.net' });
  for (const ca of ['ca.pem', 'choria/ca.pem']) write(ca, authority.certificate);
  pair('alice.pem', 'alice.key', alice);
  pair('me.pem', 'me.key', alice);
  pair('choria/cert.pem', 'choria/key.pem', bridge);
  pair('choria/mcbridge1.pem', 'choria/mcbridge1.key', bridge);
  const privileged = 'choria/mcbridge.privileged.mcollective';
  pair(
    `${privileged}.pem`,
    `${privileged}.key`,
    authority.issue({ commonName: 'mcbridge.privileged.mcollective', usages: ['client'] }),
  );
  write('legacy/server-public.pem', SERVER_KEYS.publicKey);
  write('legacy/server-private.pem', SERVER_KEYS.privateKey);
  for (const name of ['alice', 'mcbridge']) {
    write(`legacy/keys/${name}.pem`, keyPair(`legacy ${name}`).privateKey);
    write(`legacy/clients/${name}.pem`, publicKey(name));
  }
  // Other bridges of this machine may have the default address.
  const listen = `127.0.0.1:${await freePort()}`;
  const bin = installPrograms(folder, nats, listen);
  const home = join(folder, 'home');
  mkdirSync(home);
  // Where mco looks first.
  copyFileSync(mco.config, join(home, '.mcollective'));
  const env = {
    ...mco.env,
    HOME: home,
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    MCBRIDGE_CLUSTER_KEY: CLUSTER_KEY,
    MCBRIDGE_STOMP_PASSWORD: activemq.password,
    ACTIVEMQ_PASSWORD: activemq.password,
  };
  const here = translate(nats, activemq);
  return {
    fleet,
    nats,
    activemq,
    here: (text) =>
      `${here(text)}http: { listen: ${listen} }\nstatistics: { interval: 1s }\ndrain_timeout: 1s\ncontrol_socket: control.sock\n`,
    write,
    copy: (from, to) => {
      mkdirSync(dirname(join(folder, to)), { recursive: true });
      copyFileSync(join(folder, from), join(folder, to));
    },
    shell: (line) => run('bash', ['-o', 'pipefail', '-c', line], { cwd: folder, env, timeoutMs: 120_000 }),
    begin: (line) => start('bash', ['-c', `exec ${line}`], { cwd: folder, env }),
    move: async () => {
      await fleet.add({ identity: MOVED, facts: { osfamily: 'FreeBSD', country: 'de' }, classes: ['mysql'] });
      await Promise.all(daemons.filter(({ identity }) => identity === MOVED).map((daemon) => daemon.stop()));
    },
    stop: async () => {
      await fleet.close();
      await Promise.all(daemons.map((daemon) => daemon.stop()));
      await mco.remove();
      await Promise.all([nats.stop(), activemq.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
