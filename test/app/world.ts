import { createPrivateKey, createPublicKey } from 'node:crypto';
import { broadcastsSubject, nodeSubject } from '../../src/adapters/choria/wire/index.ts';
import { createSerializer } from '../../src/adapters/mcollective/wire/serializer.ts';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { startLegacyNode } from '../../src/cli/demo/legacy-node.ts';
import { createChoriaClient } from '../../src/client/index.ts';
import { DEFAULT_RUBY_LIMITS } from '../../src/codec/ruby/value.ts';
import { memoryFiles } from '../../src/config/key-files.ts';
import type { ValueMap } from '../../src/envelope/value.ts';
import { parseConfig } from '../../src/setup/load.ts';
import type { LoadedConfig } from '../../src/setup/types.ts';
import { delegateLink } from '../../src/transport/delegate-link.ts';
import type { Link } from '../../src/transport/link.ts';
import { MemoryBroker, NATS_RULES, STOMP_RULES } from '../../src/transport/memory/broker.ts';
import type { Transports } from '../../src/transport/transports.ts';
import { errorReplyAddress, privileged, readMessage } from '../adapters/choria/collective/signed-world.ts';
import { clientFrame, readReply } from '../adapters/mcollective/ingress-world.ts';
import { alice, aliceKeys, authority, serverKeys } from '../adapters/world.ts';
import { newRequestId } from '../support/choria-messages.ts';
import { keyPair } from '../support/pki.ts';
import { type Apps, makeApps } from './apps.ts';

const FOREVER = Number.POSITIVE_INFINITY;
const bob = keyPair('app legacy bob');

/** A broker of a world, and who is there: clients of a federation or legacy ones, legacy or Choria nodes. */
export type Site = 'federation' | 'clients' | 'legacy' | 'second' | 'choria';

const IN_MEMORY: Readonly<Record<Site, string>> = {
  federation: 'nats://federation:4222',
  clients: 'stomp://clients:61613',
  legacy: 'stomp://legacy:61613',
  second: 'stomp://second:61613',
  choria: 'nats://choria:4222',
};

/** The collective of legacy clients and Choria nodes: no other one, for they may share a broker with legacy nodes. */
const OFFICE = 'office';

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
  /** Whether legacy broadcasts come on their topic, of which each subscription gets a copy, and not through a queue. */
  readonly topics?: boolean;
  /** Where the brokers are. */
  readonly at?: Readonly<Record<Site, string>>;
}

export const LEGACY_NODES = ['l1.example.net', 'l2.example.net'];
export const SECOND_NODES = ['s1.example.net'];
export const CHORIA_NODES = ['c1.example.net', 'c2.example.net'];

export const configOf = (parts: Parts = {}): LoadedConfig => {
  const {
    caller = 'alice',
    collectives = ['mcollective'],
    second = true,
    http = 'off',
    at = IN_MEMORY,
  } = parts;
  const text = `
identity: bridge.example.net
cluster: prod
instance: '${parts.instance ?? '1'}'
cluster_key: 0123456789abcdef0123456789abcdef
drain_timeout: 5
http: { listen: '${http}' }
statistics: { interval: ${parts.topics === true ? 10 : 0} }
ingresses:
  federation:
    type: choria-federation
    servers: [${at.federation}]
    insecure_plaintext: true
    callers: { ca: ca.pem }
  clients:
    type: mcollective-stomp
    servers: [${at.clients}]
    user: mcollective
    password: marionette
    callers: { keys_dir: clients }
    server_private_key: server.key
${parts.topics === true ? '' : '    broadcast_queue: /queue/bridge.{collective}\n'}egresses:
  legacy:
    type: mcollective-stomp
    servers: [${at.legacy}]
    user: mcollective
    password: marionette
    signing: { keys_dir: callers }
    server_public_key: server.pem
${
  second
    ? `  second:
    type: mcollective-stomp
    servers: [${at.second}]
    user: mcollective
    password: marionette
    signing: { keys_dir: callers }
    server_public_key: server.pem
`
    : ''
}  choria:
    type: choria-collective
    servers: [${at.choria}]
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
    collectives: [${OFFICE}]
    identities: [{ exact: cert=alice, to: choria=alice.mcollective }]
`;
  return parseConfig((parts.change ?? ((it) => it))(text), '/app/bridge.yaml', {}, BUILT_IN);
};

/** The text of each file that the configuration names. */
export const KEY_FILES: ReadonlyMap<string, string> = new Map([
  ['/app/ca.pem', authority.certificate],
  ['/app/clients/alice.pem', aliceKeys.publicKey.export({ format: 'pem', type: 'spki' }).toString()],
  ['/app/callers/alice.pem', aliceKeys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
  ['/app/callers/bob.pem', bob.privateKey],
  ['/app/server.key', serverKeys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
  ['/app/server.pem', serverKeys.publicKey.export({ format: 'pem', type: 'spki' }).toString()],
  ['/app/bridge.pem', privileged.certificate],
  ['/app/bridge.key', privileged.privateKey],
]);
export const KEYS = memoryFiles(KEY_FILES);

/** Of the legacy client. */
const REPLY_QUEUES = 16;

/** Brokers, the nodes and clients that are there, and the apps between them. */
export interface AppWorld extends Apps {
  /** Keeps what the nodes of the second legacy collective answer, until it is let go. */
  hold(): { readonly held: readonly unknown[]; letGo(): void };
  /** A request of a federation's client. @returns who has answered, once so many have */
  ask(
    collective: string,
    nodes: readonly string[] | undefined,
    expect: number,
    data?: ValueMap,
  ): Promise<readonly string[]>;
  /** A request of a legacy client, to one node, or to all on a topic or as the broker forwards it. */
  mco(node: string | undefined, expect: number, topic?: 'on its topic'): Promise<readonly string[]>;
  /** All replies that have come to clients, each as who answered which request. */
  readonly replies: string[];
  /** All that is published on the federation's broker where a wildcard says. */
  hear(destination: string): Promise<readonly { readonly destination: string; readonly body: string }[]>;
  /** Closes the links of nodes and clients. */
  end(): Promise<void>;
}

/** Where a world's links come from: those of its nodes and clients, and those of its apps. */
export interface Brokers {
  link(site: Site): Link;
  readonly transports: Transports;
}

/** Brokers in this process. */
export const memoryBrokers = (): Brokers => {
  const brokers: Readonly<Record<Site, MemoryBroker>> = {
    federation: new MemoryBroker(NATS_RULES),
    clients: new MemoryBroker(STOMP_RULES),
    legacy: new MemoryBroker(STOMP_RULES),
    second: new MemoryBroker(STOMP_RULES),
    choria: new MemoryBroker(NATS_RULES),
  };
  const linkOf = (name: string): Link => {
    const [, broker] = Object.entries(brokers).find(([site]) => site === name) ?? [];
    if (broker === undefined) throw new Error(`there is no broker ${name}`);
    return broker.link();
  };
  return {
    link: linkOf,
    transports: { open: ({ name }) => linkOf(name) },
  };
};

export const makeAppWorld = async (
  { link: linkAt, transports }: Brokers = memoryBrokers(),
): Promise<AppWorld> => {
  const own: Link[] = [];
  const open = async (site: Site): Promise<Link> => {
    const link = linkAt(site);
    own.push(link);
    await link.open();
    return link;
  };
  const held: (() => void)[] = [];
  let isHeld = false;
  const holding = (link: Link): Link => ({
    ...delegateLink(link),
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
      await startLegacy(node, collective, await open('legacy'));
  for (const node of SECOND_NODES) await startLegacy(node, 'second', holding(await open('second')));
  for (const node of CHORIA_NODES) {
    const link = await open('choria');
    for (const destination of [broadcastsSubject(OFFICE), nodeSubject(OFFICE, node)])
      await link.subscribe({
        destination,
        onMessage: ({ body }) => {
          const { replyTo = '' } = readMessage(body, Date.now()).transport;
          link.send({ destination: replyTo, body: errorReplyAddress(body, node), expires: FOREVER });
        },
      });
  }

  const replies: string[] = [];
  const federation = await open('federation');
  const listener = await open('federation');
  await listener.subscribe({
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
  const legacyClient = await open('clients');
  const waitingFor = new Map<string, (node: string) => void>();
  await legacyClient.subscribe({
    destination: `/queue/${OFFICE}.reply.>`,
    onMessage: ({ body }) => {
      const { requestId, senderId } = readReply(body);
      replies.push(`${requestId} ${senderId}`);
      waitingFor.get(requestId)?.(senderId);
    },
  });
  let asked = 0;

  const apps = makeApps(transports, KEYS);
  return {
    ...apps,
    replies,
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
    ask: async (collective, nodes, expect, data) => {
      const answer = await client(collective).rpc({
        agent: 'rpcutil',
        action: 'ping',
        timeout: 60_000,
        expect,
        ...(nodes !== undefined && { nodes }),
        ...(data !== undefined && { data }),
      });
      return answer.replies.map(({ node, payload }) =>
        payload.kind === 'rpc' && payload.statusCode === 0 ? node : JSON.stringify(payload),
      );
    },
    mco: async (node, expect, topic) => {
      // A queue of its own for each request, as mco has it, would be forgotten by nobody here, and a wildcard of thousands is slow.
      const replyTo = `/queue/${OFFICE}.reply.client.example.net_4711.${++asked % REPLY_QUEUES}`;
      const requestId = newRequestId();
      const frame = clientFrame({
        ...{ collective: OFFICE, requestId, replyTo },
        ...(node !== undefined && { node }),
      });
      const isForwarded = node === undefined && topic === undefined;
      const destination = isForwarded ? `/queue/bridge.${OFFICE}` : frame.destination;
      const answers: string[] = [];
      await new Promise<void>((resolve) => {
        waitingFor.set(requestId, (from) => {
          answers.push(from);
          if (answers.length === expect) resolve();
        });
        legacyClient.send({ ...frame, destination, expires: FOREVER });
      });
      return answers;
    },
    hear: async (destination) => {
      const heard: { destination: string; body: string }[] = [];
      const link = await open('federation');
      await link.subscribe({
        destination,
        onMessage: (message) =>
          void heard.push({ destination: message.destination, body: message.body.toString() }),
      });
      return heard;
    },
    end: async () => {
      for (const link of own) await link.close();
    },
  };
};
