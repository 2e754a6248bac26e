import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onFreePort } from '../../src/testing/ports.ts';
import { type Child, start } from './process.ts';

export interface NatsServerOptions {
  /** PEM text. Clients must show a certificate of `ca` unless `verify` is false. */
  readonly tls?: {
    readonly ca: string;
    readonly cert: string;
    readonly key: string;
    readonly verify?: boolean;
    /** TLS before its first word; needs a `program` that can do that. */
    readonly handshakeFirst?: boolean;
  };
  readonly port?: number;
  /** With JetStream, whose files outlive a restart. */
  readonly jetstream?: true;
  /** More of the server's configuration language, such as an `authorization` block or `max_payload`. */
  readonly extra?: string;
  /** With the server's own 10 s in which a client must take what it gets. Without it, a test that gets no processor has 2 minutes. */
  readonly ownWriteDeadline?: true;
  /** Another nats-server than the one of the PATH. */
  readonly program?: string;
}

/** Debian's is older than `handshake_first`. */
export const newerNatsServer = (): string => {
  const program = fileURLToPath(new URL('../../.peers/bin/nats-server', import.meta.url));
  if (existsSync(program)) return program;
  throw new Error(`${program} is not there: run bash test/install-newer-nats.sh`);
};

export interface NatsServer {
  /** `nats://127.0.0.1:<port>`, with TLS too, as Choria writes it. */
  readonly url: string;
  readonly port: number;
  log(): string;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
  /** SIGKILL: no goodbye to the clients. */
  kill(): Promise<void>;
  /** Starts it again on the same port; ends it first when it runs. */
  restart(): Promise<void>;
  /** Writes its configuration anew, with this `extra`; it takes effect with the next restart or SIGHUP. */
  reconfigure(extra: string): Promise<void>;
  /** For SIGSTOP, SIGCONT and SIGHUP. */
  signal(signal: NodeJS.Signals): void;
}

const READY_MS = 60_000;

/** A real nats-server on the loopback interface. */
export const startNatsServer = (options: NatsServerOptions = {}): Promise<NatsServer> =>
  options.port === undefined ? onFreePort((port) => startOn(port, options)) : startOn(options.port, options);

/** Two servers of one cluster, which know of each other once a message goes from one to the other. */
export const startNatsPair = async (
  start: (options: NatsServerOptions) => Promise<NatsServer> = startNatsServer,
): Promise<readonly [NatsServer, NatsServer]> => {
  const cluster = (port: number, routes: readonly string[] = []): NatsServerOptions => ({
    extra: `cluster { name: "pair", listen: "127.0.0.1:${port}", routes: ${JSON.stringify(routes)} }`,
  });
  const [first, route] = await onFreePort(
    async (port) => [await start(cluster(port)), `nats-route://127.0.0.1:${port}`] as const,
  );
  return [first, await onFreePort((port) => start(cluster(port, [route])))];
};

const startOn = async (port: number, options: NatsServerOptions): Promise<NatsServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcbridge-nats-'));
  const config = join(folder, 'nats.conf');
  const lines = ['host: "127.0.0.1"', `port: ${port}`];
  if (options.tls !== undefined) {
    const { ca, cert, key, verify = true, handshakeFirst = false } = options.tls;
    for (const [name, text] of Object.entries({ ca, cert, key }))
      await writeFile(join(folder, `${name}.pem`), text, { mode: 0o600 });
    lines.push(
      `tls { cert_file: "${folder}/cert.pem", key_file: "${folder}/key.pem", ca_file: "${folder}/ca.pem", verify: ${verify}, timeout: 5${handshakeFirst ? ', handshake_first: true' : ''} }`,
    );
  }
  if (!options.ownWriteDeadline) lines.push('write_deadline: "2m"');
  if (options.jetstream) lines.push(`jetstream { store_dir: "${folder}/jetstream" }`);
  const configure = (extra = ''): Promise<void> =>
    writeFile(config, [...lines, extra].map((line) => `${line}\n`).join(''));
  await configure(options.extra);

  let earlier = '';
  const launch = async (): Promise<Child> => {
    // Debian installs it in /usr/sbin, which is not on everybody's PATH.
    const started = start(options.program ?? 'nats-server', ['-c', config], {
      env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
    });
    await started.waitFor(/Server is ready/, READY_MS);
    return started;
  };
  let child = await launch();
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    log: () => earlier + child.log(),
    stop: async () => {
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => child.kill(),
    restart: async () => {
      await child.stop();
      earlier += child.log();
      child = await launch();
    },
    reconfigure: configure,
    signal: (signal) => child.signal(signal),
  };
};
