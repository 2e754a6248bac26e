import { createPrivateKey, createPublicKey } from 'node:crypto';
import { type App, createApp } from '../../src/app/app.ts';
import type { Services } from '../../src/app/services.ts';
import { startLegacyNode } from '../../src/cli/demo/legacy-node.ts';
import { createChoriaClient } from '../../src/client/index.ts';
import { memoryFiles } from '../../src/config/key-files.ts';
import { type LoadedConfig, parseConfig } from '../../src/config/load.ts';
import type { Link } from '../../src/transport/link.ts';
import {
  type BrokerRules,
  MemoryBroker,
  NATS_RULES,
  STOMP_RULES,
} from '../../src/transport/memory/broker.ts';
import { broadcastsSubject, nodeSubject } from '../../src/wire/choria/index.ts';
import { createSerializer } from '../../src/wire/mcollective/serializer.ts';
import { DEFAULT_RUBY_LIMITS } from '../../src/wire/ruby/value.ts';
import { answerTo, privileged, readMessage } from '../adapter/choria-collective/signed-world.ts';
import { clientFrame, readReply } from '../adapter/mcollective-stomp/ingress-world.ts';
import { alice, aliceKeys, authority, type LogLine, recordingLog, serverKeys } from '../adapter/world.ts';
import { keyPair } from '../support/pki.ts';

const FOREVER = Number.POSITIVE_INFINITY;
const bob = keyPair('app legacy bob');

/** What a test's configuration is made of. */
export interface Parts {
  /** Who choria=alice.mcollective is on the legacy side. */
  readonly caller?: 'alice' | 'bob';
  /** What the federation reaches behind the first legacy broker. */
  readonly collectives?: readonly string[];
  /** Whether there is a second legacy collective, with a broker of its own. */
  readonly second?: boolean;
  readonly http?: string;
  readonly instance?: string;
  /** Changes the text. */
  readonly change?: (text: string) => string;
}

export const LEGACY_NODES = ['l1.example.net', 'l2.example.net'];
export const SECOND_NODES = ['s1.example.net'];
export const CHORIA_NODES = ['c1.example.net', 'c2.example.net'];

export const configOf = (parts: Parts = {}): LoadedConfig => {
  const { caller = 'alice', collectives = ['mcollective'], second = true, http = 'off' } = parts;
  const text = `
identity: bridge.example.net
cluster: prod
instance: '${parts.instance ?? '1'}'
cluster_key: 0123456789abcdef0123456789abcdef
drain_timeout: 5
http: { listen: '${http}' }
statistics: { interval: 0 }
ingresses:
  federation:
    type: choria-federation
    servers: [nats://federation:4222]
    insecure_plaintext: true
    callers: { ca: ca.pem }
  clients:
    type: mcollective-stomp
    servers: [stomp://clients:61613]
    callers: { keys_dir: clients }
    server_private_key: server.key
    broadcast_queue: /queue/bridge.{collective}
egresses:
  legacy:
    type: mcollective-stomp
    servers: [stomp://legacy:61613]
    signing: { keys_dir: callers }
    server_public_key: server.pem
${
  second
    ? `  second:
    type: mcollective-stomp
    servers: [stomp://second:61613]
    signing: { keys_dir: callers }
    server_public_key: server.pem
`
    : ''
}  choria:
    type: choria-collective
    servers: [nats://choria:4222]
    insecure_plaintext: true
    signing: { cert: bridge.pem, key: bridge.key }
    discovery: { every: 0 }
routes:
  - from: federation
    to: legacy
    collectives: [${collectives.join(', ')}]
    identities: [{ exact: choria=alice.mcollective, to: cert=${caller} }]
${
  second
    ? `  - from: federation
    to: second
    collectives: [second]
    identities: [{ exact: choria=alice.mcollective, to: cert=alice }]
`
    : ''
}  - from: clients
    to: choria
    collectives: [mcollective]
    identities: [{ exact: cert=alice, to: choria=alice.mcollective }]
`;
  return parseConfig((parts.change ?? ((it) => it))(text), '/app/bridge.yaml', {});
};

const KEYS = memoryFiles(
  new Map([
    ['/app/ca.pem', authority.certificate],
    ['/app/clients/alice.pem', aliceKeys.publicKey.export({ format: 'pem', type: 'spki' }).toString()],
    ['/app/callers/alice.pem', aliceKeys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
    ['/app/callers/bob.pem', bob.privateKey],
    ['/app/server.key', serverKeys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
    ['/app/server.pem', serverKeys.publicKey.export({ format: 'pem', type: 'spki' }).toString()],
    ['/app/bridge.pem', privileged.certificate],
    ['/app/bridge.key', privileged.privateKey],
  ]),
);

/** The brokers of one world, each with the nodes that live there. */
export interface AppWorld {
  readonly brokers: Readonly<Record<'federation' | 'clients' | 'legacy' | 'second' | 'choria', MemoryBroker>>;
  /** Links that apps have made, by name, in order; and those of them that are closed. */
  readonly made: string[];
  readonly closed: string[];
  readonly log: LogLine[];
  app(loaded: LoadedConfig, services?: Partial<Services>): App;
  /** Keeps what the nodes of the second legacy collective answer, until it is let go. */
  hold(): { readonly held: readonly unknown[]; letGo(): void };
  /** A request of a federation's client. @returns who has answered, once so many have */
  ask(collective: string, nodes: readonly string[] | undefined, expect: number): Promise<readonly string[]>;
  /** A request of a legacy client, to one node or to all. */
  mco(node: string | undefined, expect: number): Promise<readonly string[]>;
  /** All replies that have come to clients, each as who answered which request. */
  readonly replies: string[];
  /** Resolves once a link of that name is closed. */
  whenClosed(name: string): Promise<void>;
}

const brokerAt = (rules: BrokerRules, name: string): MemoryBroker =>
  new MemoryBroker({ ...rules, url: `memory://${name}` });

export const makeAppWorld = async (): Promise<AppWorld> => {
  const brokers = {
    federation: new MemoryBroker(NATS_RULES),
    clients: brokerAt(STOMP_RULES, 'clients'),
    legacy: brokerAt(STOMP_RULES, 'legacy'),
    second: brokerAt(STOMP_RULES, 'second'),
    choria: new MemoryBroker(NATS_RULES),
  };
  const held: (() => void)[] = [];
  let isHeld = false;
  const holding = (link: Link): Link => ({
    ...link,
    send: (message, unsent) => {
      if (isHeld) held.push(() => link.send(message, unsent));
      else link.send(message, unsent);
    },
  });
  const callers = new Map([
    ['cert=alice', aliceKeys.publicKey],
    ['cert=bob', createPublicKey(createPrivateKey(bob.privateKey))],
  ]);
  const startLegacy = (identity: string, collective: string, link: Link): Promise<void> =>
    startLegacyNode({
      identity,
      collective,
      facts: new Map(),
      classes: [],
      link,
      serializer: createSerializer('marshal', DEFAULT_RUBY_LIMITS),
      serverKey: serverKeys.privateKey,
      callers,
      clock: Date.now,
    });
  for (const node of LEGACY_NODES)
    for (const collective of ['mcollective', 'extra'])
      await startLegacy(node, collective, brokers.legacy.link());
  for (const node of SECOND_NODES) await startLegacy(node, 'second', holding(brokers.second.link()));
  for (const node of CHORIA_NODES) {
    const link = brokers.choria.link();
    for (const destination of [broadcastsSubject('mcollective'), nodeSubject('mcollective', node)])
      await link.subscribe({
        destination,
        onMessage: ({ body }) => {
          const { replyTo = '' } = readMessage(body, Date.now()).transport;
          link.send({ destination: replyTo, body: answerTo(body, node), expires: FOREVER });
        },
      });
  }

  const replies: string[] = [];
  const federation = brokers.federation.link();
  await brokers.federation.link().subscribe({
    destination: '*.reply.>',
    onMessage: ({ destination, body }) => {
      const { headers }: { headers: { mc_sender: string } } = JSON.parse(body.toString());
      replies.push(`${destination} ${headers.mc_sender}`);
    },
  });
  const client = (collective: string) =>
    createChoriaClient({
      link: federation,
      federation: ['prod'],
      collective,
      identity: 'alice.mcollective',
      callerId: 'choria=alice.mcollective',
      privateKey: createPrivateKey(alice.privateKey),
      certificate: alice.certificate,
      dialect: 'ruby',
      clock: Date.now,
    });
  const legacyClient = brokers.clients.link();
  let asked = 0;

  const made: string[] = [];
  const closed: string[] = [];
  const waiting = new Map<string, () => void>();
  const linkOf = (name: string): Link => {
    made.push(name);
    const [, broker] = Object.entries(brokers).find(([at]) => at === name) ?? [];
    if (broker === undefined) throw new Error(`there is no broker ${name}`);
    const link = broker.link();
    return {
      ...link,
      close: async () => {
        await link.close();
        closed.push(name);
        waiting.get(name)?.();
      },
    };
  };
  const log: LogLine[] = [];
  return {
    brokers,
    made,
    closed,
    log,
    replies,
    app: (loaded, services) =>
      createApp(loaded, {
        log: recordingLog(log),
        version: '0',
        keys: KEYS,
        transports: { nats: (_, name) => linkOf(name), stomp: (_, name) => linkOf(name) },
        ...services,
      }),
    hold: () => {
      isHeld = true;
      return {
        held,
        letGo: () => {
          isHeld = false;
          for (const send of held.splice(0)) send();
        },
      };
    },
    ask: async (collective, nodes, expect) => {
      const answer = await client(collective).rpc({
        agent: 'rpcutil',
        action: 'ping',
        timeout: 30_000,
        expect,
        ...(nodes !== undefined && { nodes }),
      });
      return answer.replies.map(({ node, payload }) =>
        payload.kind === 'rpc' && payload.statusCode === 0 ? node : JSON.stringify(payload),
      );
    },
    mco: async (node, expect) => {
      const replyTo = `/queue/mcollective.reply.client.example.net_4711.${++asked}`;
      const frame = clientFrame({ replyTo, ...(node !== undefined && { node }) });
      // As the broker forwards broadcasts.
      const destination = node === undefined ? '/queue/bridge.mcollective' : frame.destination;
      const answers: string[] = [];
      await new Promise<void>((resolve) => {
        void legacyClient.subscribe({
          destination: replyTo,
          onMessage: ({ body }) => {
            const { senderId } = readReply(body);
            answers.push(senderId);
            replies.push(`${replyTo} ${senderId}`);
            if (answers.length === expect) resolve();
          },
        });
        legacyClient.send({ ...frame, destination, expires: FOREVER });
      });
      return answers;
    },
    whenClosed: (name) =>
      closed.includes(name) ? Promise.resolve() : new Promise((resolve) => waiting.set(name, resolve)),
  };
};
