import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import forge from 'node-forge';

export interface ActiveMqUser {
  readonly name: string;
  readonly password: string;
  /** `mcollective` by default. */
  readonly groups?: readonly string[];
}

/** An `authorizationEntry`: the groups that may do what with a destination, separated by commas. */
export interface ActiveMqAcl {
  readonly queue?: string;
  readonly topic?: string;
  readonly read?: string;
  readonly write?: string;
  readonly admin?: string;
}

export interface ActiveMqTls {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  /** Whether clients must show a certificate of `ca`; false by default. */
  readonly needClientAuth?: boolean;
}

export interface ActiveMqOptions {
  /** The first is returned as `user` and `password`; `mcollective`/`marionette` by default. */
  readonly users?: readonly [ActiveMqUser, ...ActiveMqUser[]];
  /** Adds a `stomp+nio+ssl` connector beside the plain one. */
  readonly tls?: ActiveMqTls;
  /** Java's `-Xmx`, 512m by default. */
  readonly heap?: string;
  /** Port of the plain connector; a free one by default. The broker keeps its ports over a restart. */
  readonly stompPort?: number;
  /** Query of the plain connector's URI, e.g. `transport.hbGracePeriodMultiplier=2`. */
  readonly connectorQuery?: string;
  /** Topics (a wildcard such as `mcollective.*.agent` too) whose messages the broker also puts into a queue. */
  readonly compositeTopics?: readonly { readonly topic: string; readonly queue: string }[];
  /** Who may do what; without it everybody may do everything. */
  readonly acls?: readonly ActiveMqAcl[];
  /** More of Java's own settings, in the form of `java.security`. */
  readonly javaSecurity?: string;
}

export interface ActiveMq {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Set when the options have `tls`. */
  readonly tlsPort: number | undefined;
  readonly user: string;
  readonly password: string;
  /** Ends the broker and removes its folder. */
  stop(): Promise<void>;
  /** Ends the broker with SIGKILL; its messages are gone. */
  kill(): Promise<void>;
  /**
   * Starts it again on the same ports; kills it first if it runs.
   * @param users the accounts from now on, where they change
   * @param acls the rights from now on, where they change
   */
  restart(users?: ActiveMqOptions['users'], acls?: ActiveMqOptions['acls']): Promise<void>;
}

const HOST = '127.0.0.1';
const HOME = '/usr/share/activemq';
const START_MS = 60_000;
const STORE_PASSWORD = 'of-a-test';

/**
 * Java runs beside a reader of stdin that ends it when a line comes; or when the pipe breaks because this process
 * is gone, however it went: then the folder ($1) goes too.
 */
const GUARD = `base=$1; shift; exec 3<&0; "$@" </dev/null & java=$!
(if read -r _ <&3; then kill -9 $java; else kill -9 $java; rm -rf "$base"; fi) 2>/dev/null & guard=$!
wait $java; status=$?; kill $guard 2>/dev/null; exit $status`;

/**
 * A free port below the ephemeral range: above it, a client that keeps trying a closed port of its own host may be
 * given that very port as its source, and connect to itself.
 */
const portBelowEphemeral = async (): Promise<number> => {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    try {
      server.listen(port, HOST);
      await once(server, 'listening');
      return port;
    } catch {
      // Taken: try another.
    } finally {
      server.close();
    }
  }
};

/** Starts Debian's ActiveMQ on loopback, in a folder of its own, and waits until it answers a STOMP CONNECT. */
export const startActiveMq = async (options: ActiveMqOptions = {}): Promise<ActiveMq> => {
  let users = options.users ?? [{ name: 'mcollective', password: 'marionette' }];
  let { acls } = options;
  const port = options.stompPort ?? (await portBelowEphemeral());
  const tlsPort = options.tls === undefined ? undefined : await portBelowEphemeral();
  const base = await mkdtemp(join(tmpdir(), 'mcbridge-activemq-'));
  await mkdir(join(base, 'conf'));
  if (options.tls !== undefined) await writeStores(base, options.tls);
  const configure = () =>
    writeFile(
      join(base, 'conf', 'activemq.xml'),
      configuration(base, port, tlsPort, users, { ...options, ...(acls && { acls }) }),
    );
  await configure();
  if (options.javaSecurity !== undefined)
    await writeFile(join(base, 'conf', 'java.security'), options.javaSecurity);
  await writeFile(join(base, 'conf', 'log4j.properties'), LOGGING);

  let child: ChildProcess | undefined;
  const kill = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const ended = once(running, 'exit');
    running.stdin?.write('end\n');
    await ended;
  };
  const start = async () => {
    await kill();
    child = spawn('sh', ['-c', GUARD, 'sh', base, 'java', ...javaArguments(base, options)]);
    await untilReady(child, port, users[0]);
  };
  const broker: ActiveMq = {
    host: HOST,
    port,
    tlsPort,
    user: users[0].name,
    password: users[0].password,
    kill,
    restart: async (changed = users, rights = acls) => {
      users = changed;
      acls = rights;
      await kill();
      await configure();
      await start();
    },
    stop: async () => {
      await kill();
      await rm(base, { recursive: true, force: true });
    },
  };
  try {
    await start();
  } catch (error) {
    await broker.stop();
    throw error;
  }
  return broker;
};

const javaArguments = (base: string, { heap = '512m', javaSecurity }: ActiveMqOptions): string[] => [
  `-Xmx${heap}`,
  ...(javaSecurity === undefined ? [] : [`-Djava.security.properties=${base}/conf/java.security`]),
  '-XX:+UseSerialGC',
  // The second compiler is half the cost of a start, and a test's broker does not live long enough to gain by it.
  '-XX:TieredStopAtLevel=1',
  `-Dactivemq.base=${base}`,
  `-Dactivemq.home=${HOME}`,
  `-Djava.io.tmpdir=${base}`,
  '-cp',
  [join(base, 'conf'), `${HOME}/lib/*`, `${HOME}/lib/optional/*`].join(':'),
  'org.apache.activemq.console.Main',
  'start',
  `xbean:file:${base}/conf/activemq.xml`,
];

const untilReady = async (child: ChildProcess, port: number, user: ActiveMqUser): Promise<void> => {
  let output = '';
  const keep = (chunk: Buffer) => {
    output = `${output}${chunk.toString()}`.slice(-4000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const deadline = Date.now() + START_MS;
  while (!(await answersConnect(port, user))) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`ActiveMQ did not start (exit status ${child.exitCode}):\n${output}`);
    await sleep(100);
  }
};

const answersConnect = async (port: number, user: ActiveMqUser): Promise<boolean> => {
  const socket = connect(port, HOST);
  try {
    await once(socket, 'connect');
    socket.write(
      `CONNECT\naccept-version:1.2\nhost:${HOST}\nlogin:${user.name}\npasscode:${user.password}\n\n\0`,
    );
    const [answer] = await once(socket, 'data', { signal: AbortSignal.timeout(5000) });
    return String(answer).startsWith('CONNECTED');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

const writeStores = async (base: string, tls: ActiveMqTls): Promise<void> => {
  const chain = [forge.pki.certificateFromPem(tls.cert), forge.pki.certificateFromPem(tls.ca)];
  const store = forge.pkcs12.toPkcs12Asn1(forge.pki.privateKeyFromPem(tls.key), chain, STORE_PASSWORD, {
    algorithm: '3des',
    friendlyName: 'broker',
  });
  await writeFile(join(base, 'conf', 'key.p12'), Buffer.from(forge.asn1.toDer(store).getBytes(), 'latin1'));
  await writeFile(join(base, 'conf', 'ca.pem'), tls.ca);
  // Java only trusts certificates of a PKCS12 store that carry an attribute of its own, which keytool writes.
  const file = ['-file', join(base, 'conf', 'ca.pem'), '-keystore', join(base, 'conf', 'trust.p12')];
  const how = ['-storetype', 'PKCS12', '-storepass', STORE_PASSWORD, '-alias', 'ca'];
  await promisify(execFile)('keytool', ['-importcert', '-noprompt', ...file, ...how]);
};

const escapeXml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const configuration = (
  base: string,
  port: number,
  tlsPort: number | undefined,
  users: readonly ActiveMqUser[],
  options: ActiveMqOptions,
): string => {
  const accounts = users.map(
    ({ name, password, groups = ['mcollective'] }) =>
      `<authenticationUser username="${escapeXml(name)}" password="${escapeXml(password)}" groups="${groups.join(',')}"/>`,
  );
  const store = (kind: string, file: string) =>
    `${kind}Store="file:${base}/conf/${file}" ${kind}StoreType="PKCS12" ${kind}StorePassword="${STORE_PASSWORD}"`;
  const secure =
    tlsPort === undefined
      ? ''
      : `<transportConnector name="tls" uri="stomp+nio+ssl://${HOST}:${tlsPort}?needClientAuth=${options.tls?.needClientAuth === true}"/>`;
  const query = options.connectorQuery === undefined ? '' : `?${escapeXml(options.connectorQuery)}`;
  const composites = (options.compositeTopics ?? []).map(
    ({ topic, queue }) =>
      `<compositeTopic name="${escapeXml(topic)}" forwardOnly="false"><forwardTo><queue physicalName="${escapeXml(queue)}"/></forwardTo></compositeTopic>`,
  );
  const interceptors =
    composites.length === 0
      ? ''
      : `<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations>${composites.join('')}</virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>`;
  // The plain connector comes last: when it answers, the other one listens too.
  return `<beans xmlns="http://www.springframework.org/schema/beans"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans.xsd
  http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
  <broker xmlns="http://activemq.apache.org/schema/core" brokerName="broker${port}" dataDirectory="${base}/data"
    persistent="false" useJmx="false" schedulePeriodForDestinationPurge="5000">
    <destinationPolicy><policyMap><policyEntries>
      <policyEntry queue="*.reply.>" gcInactiveDestinations="true" inactiveTimoutBeforeGC="10000"/>
    </policyEntries></policyMap></destinationPolicy>
    ${interceptors}<plugins><simpleAuthenticationPlugin><users>${accounts.join('')}</users></simpleAuthenticationPlugin>${authorization(options.acls)}</plugins>
    ${tlsPort === undefined ? '' : `<sslContext><sslContext ${store('key', 'key.p12')} ${store('trust', 'trust.p12')}/></sslContext>`}
    <transportConnectors>
      ${secure}<transportConnector name="plain" uri="stomp+nio://${HOST}:${port}${query}"/>
    </transportConnectors>
  </broker>
</beans>
`;
};

const authorization = (acls: ActiveMqOptions['acls']): string => {
  if (acls === undefined) return '';
  const entries = acls.map((acl) => {
    const attributes = Object.entries(acl).map(([name, value]) => `${name}="${escapeXml(value)}"`);
    return `<authorizationEntry ${attributes.join(' ')}/>`;
  });
  return `<authorizationPlugin><map><authorizationMap><authorizationEntries>${entries.join('')}</authorizationEntries></authorizationMap></map></authorizationPlugin>`;
};

const LOGGING = `log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%p %c{1} %m%n
`;
