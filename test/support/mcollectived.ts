import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { KeyPair } from './pki.ts';
import { type Finished, run, start } from './process.ts';

/** Where the `echo` agent is. */
export const RUBY_FOLDER = fileURLToPath(new URL('./ruby', import.meta.url));
const RUBY_ENV = {
  RUBYOPT: `-r${join(RUBY_FOLDER, 'psych-compat.rb')} -W0`,
  LANG: 'C.UTF-8',
  LC_ALL: 'C.UTF-8',
};
const SBIN_PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;
const READY_MS = 60_000;

/** For how long mco waits for who is there, in seconds: several clients at once, on a busy machine, need more than its own two. */
export const DISCOVERY = ['--dt', '5'] as const;

export type Serializer = 'marshal' | 'yaml';

interface CommonOptions {
  readonly identity: string;
  readonly activemqPort: number;
  readonly user: string;
  readonly password: string;
  readonly mainCollective: string;
  readonly collectives: readonly string[];
  readonly serializer: Serializer;
  /** `plugin.activemq.base64`. */
  readonly base64?: boolean;
  /** Folders with `mcollective/agent/…`; the one with the `echo` agent by default. */
  readonly libdir?: string;
  /** More lines of the configuration. */
  readonly extra?: Readonly<Record<string, string>>;
}

const commonSettings = (options: CommonOptions): Record<string, string> => ({
  identity: options.identity,
  libdir: options.libdir ?? RUBY_FOLDER,
  main_collective: options.mainCollective,
  collectives: options.collectives.join(','),
  logger_type: 'console',
  color: '0',
  direct_addressing: '1',
  securityprovider: 'ssl',
  'plugin.ssl_serializer': options.serializer,
  connector: 'activemq',
  'plugin.activemq.base64': options.base64 === true ? '1' : '0',
  'plugin.activemq.pool.size': '1',
  'plugin.activemq.pool.1.host': '127.0.0.1',
  'plugin.activemq.pool.1.port': String(options.activemqPort),
  'plugin.activemq.pool.1.user': options.user,
  'plugin.activemq.pool.1.password': options.password,
  // Half a minute by default, longer than a test waits for a broker that is back.
  'plugin.activemq.max_reconnect_delay': '1.0',
});

const writeSettings = (path: string, settings: Readonly<Record<string, string>>): Promise<void> =>
  writeFile(
    path,
    Object.entries(settings)
      .map(([key, value]) => `${key} = ${value}\n`)
      .join(''),
    { mode: 0o600 },
  );

export interface McollectivedOptions extends CommonOptions {
  readonly facts: Readonly<Record<string, string>>;
  readonly classes: readonly string[];
  /** The pair that all daemons of a collective share. */
  readonly serverKeys: KeyPair;
  /** Public keys, PEM, by name: `alice` may call as `cert=alice`. */
  readonly clientPublicKeys: Readonly<Record<string, string>>;
  /** How far its clock is off, as faketime has it: `+2h`. */
  readonly clock?: string;
}

export interface Mcollectived {
  readonly identity: string;
  /** Everything it has logged, at debug level. */
  log(): string;
  /** Resolves when its log matches. */
  waitFor(pattern: RegExp, timeoutMs: number): Promise<void>;
  /** Lets a client in, or shuts it out, while it runs: it reads the key for each request. */
  setClientKey(name: string, publicKey: string | undefined): Promise<void>;
  /** Resolves when it takes broadcasts again: a broker that was restarted keeps none for it. */
  untilBack(): Promise<void>;
  /** For SIGSTOP and SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/**
 * Sends rubbish to a destination until the daemon complains of it: only then is its subscription known to stand,
 * because the STOMP gem asks for no receipts.
 */
const untilSubscribed = async (
  destination: string,
  options: McollectivedOptions,
  log: () => string,
): Promise<void> => {
  const socket = createConnection(options.activemqPort, '127.0.0.1');
  // What the daemon does not say in time is what counts.
  socket.on('error', () => undefined);
  socket.write(`CONNECT\nlogin:${options.user}\npasscode:${options.password}\n\n\0`);
  const deadline = Date.now() + READY_MS;
  const complaints = (): number => log().split('Failed to handle message').length;
  const before = complaints();
  try {
    while (complaints() === before) {
      if (Date.now() > deadline)
        throw new Error(`mcollectived is not subscribed to ${destination}:\n${log()}`);
      socket.write(`SEND\ndestination:${destination}\n\nis anybody there?\0`);
      await sleep(50);
    }
  } finally {
    socket.destroy();
  }
};

/** A real mcollectived (MCollective 2.12.5), once all its subscriptions stand. */
export const startMcollectived = async (options: McollectivedOptions): Promise<Mcollectived> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcbridge-mcollectived-'));
  const at = (name: string): string => join(folder, name);
  await mkdir(at('clients'));
  const setClientKey = (name: string, publicKey: string | undefined): Promise<void> =>
    publicKey === undefined
      ? rm(join(at('clients'), `${name}.pem`), { force: true })
      : writeFile(join(at('clients'), `${name}.pem`), publicKey);
  for (const [name, publicKey] of Object.entries(options.clientPublicKeys))
    await setClientKey(name, publicKey);
  await writeFile(at('server-private.pem'), options.serverKeys.privateKey, { mode: 0o600 });
  await writeFile(at('server-public.pem'), options.serverKeys.publicKey);
  // JSON is YAML too, with every text in quotes.
  await writeFile(at('facts.yaml'), JSON.stringify(options.facts));
  await writeFile(at('classes.txt'), options.classes.map((name) => `${name}\n`).join(''));
  await writeSettings(at('server.cfg'), {
    ...commonSettings(options),
    daemonize: '0',
    loglevel: 'debug',
    factsource: 'yaml',
    'plugin.yaml': at('facts.yaml'),
    classesfile: at('classes.txt'),
    'plugin.ssl_server_private': at('server-private.pem'),
    'plugin.ssl_server_public': at('server-public.pem'),
    'plugin.ssl_client_cert_dir': at('clients'),
    ...options.extra,
  });
  const { clock } = options;
  const [program, before] =
    clock === undefined
      ? (['mcollectived', []] as const)
      : (['faketime', ['-f', clock, 'mcollectived']] as const);
  const child = start(program, [...before, '--no-daemonize', '--config', at('server.cfg')], {
    env: { ...RUBY_ENV, PATH: SBIN_PATH },
  });
  const stop = async (): Promise<void> => {
    await child.stop(5_000);
    await rm(folder, { recursive: true, force: true });
  };
  const untilBack = async (): Promise<void> => {
    const last = [...child.log().matchAll(/Subscribing to (\/topic\/\S+)/g)].at(-1)?.[1];
    if (last === undefined) throw new Error(`mcollectived subscribed to no topic:\n${child.log()}`);
    await untilSubscribed(last, options, child.log);
  };
  try {
    await child.waitFor(/Waiting for a message from ActiveMQ/, READY_MS);
    await untilBack();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    identity: options.identity,
    log: child.log,
    waitFor: child.waitFor,
    setClientKey,
    untilBack,
    signal: child.signal,
    stop,
  };
};

export interface McoClientOptions extends CommonOptions {
  readonly serverPublicKey: string;
  /** The caller is `cert=<name>`. */
  readonly name: string;
  readonly keys: KeyPair;
  /** How far its clock is off, as faketime has it: `+2h`. */
  readonly clock?: string;
}

export interface McoClient {
  /** The file that `-c` names. */
  readonly config: string;
  /** What it needs in the environment, beside `HOME`. */
  readonly env: Readonly<Record<string, string>>;
  /** `mco <args> -c <its configuration>`. Its exit status is 0 also when nobody answers. */
  run(...args: readonly string[]): Promise<Finished>;
  /** Runs a Ruby script on MCollective's libraries; `ARGV[0]` is the configuration file. */
  ruby(script: string): Promise<Finished>;
  /** Removes its folder. */
  remove(): Promise<void>;
}

/** The real `mco`, to show what a bridge's answers are compared with. */
export const makeMcoClient = async (options: McoClientOptions): Promise<McoClient> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcbridge-mco-'));
  const at = (name: string): string => join(folder, name);
  await writeFile(at('server-public.pem'), options.serverPublicKey);
  await writeFile(at('private.pem'), options.keys.privateKey, { mode: 0o600 });
  await writeFile(at(`${options.name}.pem`), options.keys.publicKey);
  await writeSettings(at('client.cfg'), {
    ...commonSettings(options),
    loglevel: 'warn',
    'plugin.ssl_server_public': at('server-public.pem'),
    'plugin.ssl_client_private': at('private.pem'),
    'plugin.ssl_client_public': at(`${options.name}.pem`),
    ...options.extra,
  });
  const env = { ...RUBY_ENV, HOME: folder };
  const { clock } = options;
  const [program, before] =
    clock === undefined ? (['mco', []] as const) : (['faketime', ['-f', clock, 'mco']] as const);
  return {
    config: at('client.cfg'),
    env: RUBY_ENV,
    run: (...args) => run(program, [...before, ...args, '-c', at('client.cfg')], { env }),
    ruby: (script) => run('ruby', ['-e', script, at('client.cfg')], { env }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};
