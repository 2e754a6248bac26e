import { createPrivateKey } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import {
  decodeRequest as decodeChoria,
  decodeSecureRequest,
  encodeReplyBody as encodeChoriaBody,
  encodeReply as encodeChoriaReply,
  encodeSecureReply,
} from '../../../src/adapters/choria/wire/index.ts';
import { BRIDGE_MARKER } from '../../../src/adapters/mcollective/wire/addressing.ts';
import { encodeReply } from '../../../src/adapters/mcollective/wire/reply.ts';
import { decodeRequest } from '../../../src/adapters/mcollective/wire/request.ts';
import { createSerializer, type SerializerName } from '../../../src/adapters/mcollective/wire/serializer.ts';
import { BUILT_IN } from '../../../src/adapters/registry.ts';
import { createApp } from '../../../src/app/app.ts';
import { flowsFrom } from '../../../src/bridge/flow.ts';
import { Unfinished } from '../../../src/bridge/unfinished.ts';
import {
  bodyFields,
  type CassetteLine,
  type CassetteMessage,
  type CassetteNodes,
  formatEntry,
  formatHeader,
  isMessage,
  isNodes,
} from '../../../src/capture/file/format.ts';
import { headerFor } from '../../../src/capture/file/header.ts';
import { rejectedFields } from '../../../src/capture/file/rejected.ts';
import { replayCassette } from '../../../src/capture/replay/replay.ts';
import type { ReplayResult } from '../../../src/capture/replay/result.ts';
import { DEFAULT_RUBY_LIMITS } from '../../../src/codec/ruby/index.ts';
import type { ReplyPayload } from '../../../src/envelope/message.ts';
import type { BridgeObserver } from '../../../src/envelope/observer.ts';
import { loadConfig } from '../../../src/setup/load.ts';
import type { Link, OutgoingMessage, Subscription } from '../../../src/transport/link.ts';
import { openTransport, transportOf } from '../../support/choria-transport.ts';
import { type KeyPair, keyPair, makeAuthority } from '../../support/pki.ts';

export const CAPTURES = fileURLToPath(new URL('../../../fixtures/captures/', import.meta.url));
export const NODES = ['node1.example.net', 'node2.example.net'];
export const DAY = 24 * 3_600_000;

/** What a test's configuration is made of, and may be changed in. */
export interface ConfigPart {
  readonly clusterKey?: string;
  readonly rule?: string;
  readonly serializer?: SerializerName;
  readonly base64?: boolean;
  /** PEM of the CA of the federation's callers. */
  readonly ca?: string;
  readonly serverKey?: KeyPair;
  readonly identity?: string;
  /** The first of two ActiveMQ servers. */
  readonly server?: string;
}

/** A folder with configurations, keys and cassettes. */
export interface World {
  readonly folder: string;
  /** Writes a configuration; its requests come from a federation and from legacy clients. */
  config(part?: ConfigPart): string;
  /**
   * @param requests and what the bridge learns between them
   * @returns the name of a cassette that the bridge of this configuration was recorded for
   */
  record(
    config: string,
    requests: readonly (CassetteMessage | CassetteNodes)[],
    name?: string,
  ): Promise<string>;
  replay(
    file: string,
    config: string,
    options?: { bytes?: boolean; update?: boolean; throwAwayKeys?: boolean },
  ): Promise<ReplayResult>;
  end(): void;
}

export const CLUSTER_KEY = '0123456789abcdef0123456789abcdef';
const authority = makeAuthority('replay');
const serverPair = keyPair('replay server');

const yaml = (
  {
    clusterKey = CLUSTER_KEY,
    rule = 'cert=$1',
    serializer = 'marshal',
    base64 = false,
    identity = 'mcbridge.example.net',
    server = 'activemq1',
  }: ConfigPart,
  keys: string,
): string => `identity: ${identity}
cluster: production
cluster_key: ${clusterKey}
max_ttl: 3600
ingresses:
  federation:
    type: choria-federation
    servers: [nats://nats.example.net:4222]
    tls: { ca: not-there.pem, cert: not-there.pem, key: not-there.pem }
    callers: { ca: ${keys}/ca.pem }
  clients:
    type: mcollective-stomp
    servers: [stomp://${server}.example.net:61613, stomp://activemq3.example.net:61613]
    callers: { keys_dir: ${CAPTURES}keys/legacy }
    server_private_key: ${keys}/server.key
egresses:
  legacy:
    type: mcollective-stomp
    servers: [stomp://${server}.example.net:61613, stomp://activemq3.example.net:61613]
    serializer: ${serializer}
    base64: ${base64}
    signing: { keys_dir: ${keys}/callers }
    server_public_key: ${keys}/server.pem
  choria:
    type: choria-collective
    servers: [nats://nats.example.net:4222]
    tls: { ca: not-there.pem, cert: not-there.pem, key: not-there.pem }
    signing: { cert: ${keys}/bridge.pem, key: ${keys}/bridge.key }
routes:
  - from: federation
    to: legacy
    collectives: [mcollective]
    identities:
      - regex: choria=(.+)\\.mcollective
        to: ${rule}
  - from: clients
    to: choria
    collectives: [mcollective]
    identities:
      - regex: cert=(.+)-public
        to: choria=$1.mcollective
`;

const connection = z.object({ servers: z.array(z.object({ url: z.string() })) });

/** A link that keeps what is sent on it and hands over what it is told to. */
const doubleOf = (server: string, onSend: (message: OutgoingMessage) => void) => {
  const subscriptions: Subscription[] = [];
  const link: Link = {
    open: async () => undefined,
    subscribe: async (subscription) => {
      subscriptions.push(subscription);
      return { unsubscribe: async () => undefined };
    },
    send: onSend,
    sendAll: (messages) => messages.forEach(onSend),
    close: async () => undefined,
    state: () => ({ up: true, server, buffered: 0 }),
  };
  const listens = (destination: string, pattern: string): boolean =>
    pattern === destination ||
    (/[*>]$|\*/.test(pattern) && destination.startsWith(pattern.split(/[*>]/)[0] ?? ''));
  return {
    link,
    deliver: (message: CassetteMessage): void =>
      subscriptions
        .find(({ destination }) => listens(message.destination, destination))
        ?.onMessage({
          destination: message.destination,
          headers: message.headers ?? {},
          body:
            message.text === undefined
              ? Buffer.from(message.base64 ?? '', 'base64')
              : Buffer.from(message.text),
          ...(message.reply_to !== undefined && { replyTo: message.reply_to }),
        }),
  };
};

const VALUES: ReplyPayload = {
  kind: 'rpc',
  statusCode: 0,
  statusMessage: 'OK',
  data: new Map<string, string | number | boolean>([
    ['pong', 1_795_412_300],
    ['text', 'schön'],
    ['flag', true],
  ]),
};

const payloadFor = (agent: string): ReplyPayload => (agent === 'discovery' ? { kind: 'discovery' } : VALUES);

/** What nodes answer to a message that the bridge has sent them. */
const answersTo = async (out: CassetteMessage, body: Buffer): Promise<readonly CassetteMessage[]> => {
  const at = out.at + 5;
  if (out.link === 'legacy') {
    const document = out.text?.startsWith('BAh') === true ? Buffer.from(out.text, 'base64') : body;
    const serializer = createSerializer(document[0] === 4 ? 'marshal' : 'yaml', DEFAULT_RUBY_LIMITS);
    const request = decodeRequest(document, serializer);
    const asked = out.headers?.['mc_identity'];
    const key = createPrivateKey(serverPair.privateKey);
    return Promise.all(
      (asked === undefined ? NODES : [asked]).map(async (senderId): Promise<CassetteMessage> => {
        const reply = await encodeReply(
          {
            senderId,
            requestId: request.requestId,
            agent: request.agent,
            time: Math.floor(at / 1000),
            payload: payloadFor(request.agent),
          },
          key,
          serializer,
        );
        return {
          at,
          link: out.link,
          side: 'egress',
          dir: 'in',
          destination: out.reply_to ?? '',
          ...bodyFields(reply),
        };
      }),
    );
  }
  const transport = openTransport(body);
  const wire = decodeChoria(decodeSecureRequest(transport.data).message);
  const [, asked] = /\.node\.(.+)$/.exec(out.destination) ?? [];
  const { federation, replyTo = '' } = transport;
  return (asked === undefined ? NODES : [asked]).map((senderId) => {
    const text = encodeChoriaReply({
      requestId: wire.requestId,
      senderId,
      agent: wire.agent,
      time: Math.floor(at / 1000),
      message: encodeChoriaBody(payloadFor(wire.agent), 'ruby'),
    });
    const headers = { sender: senderId, ...(federation && { federation }) };
    return {
      at,
      link: out.link,
      side: 'egress',
      dir: 'in',
      destination: replyTo,
      text: transportOf(encodeSecureReply(text), headers),
    };
  });
};

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const makeWorld = (): World => {
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-replay-test-'));
  let made = 0;

  const config = (part: ConfigPart = {}): string => {
    const keys = join(folder, `keys-${++made}`);
    mkdirSync(join(keys, 'callers'), { recursive: true });
    const server = part.serverKey ?? serverPair;
    const bridge = authority.issue({ commonName: 'mcbridge.privileged.mcollective', usages: ['client'] });
    if (part.ca === undefined) cpSync(`${CAPTURES}keys/choria/ca.pem`, join(keys, 'ca.pem'));
    else writeFileSync(join(keys, 'ca.pem'), part.ca);
    writeFileSync(join(keys, 'server.pem'), server.publicKey);
    writeFileSync(join(keys, 'server.key'), serverPair.privateKey);
    writeFileSync(join(keys, 'bridge.pem'), bridge.certificate);
    writeFileSync(join(keys, 'bridge.key'), bridge.privateKey);
    for (const name of ['alice', 'bob'])
      writeFileSync(join(keys, 'callers', `${name}.pem`), keyPair(`replay ${name}`).privateKey);
    const file = join(folder, `bridge-${made}.yaml`);
    writeFileSync(file, yaml(part, keys));
    return file;
  };

  const record: World['record'] = async (configFile, requests, name = `tape-${++made}`) => {
    const loaded = loadConfig(configFile, {}, BUILT_IN);
    const entries: CassetteLine[] = [];
    let now = requests[0]?.at ?? 0;
    const doubles = new Map<string, ReturnType<typeof doubleOf>>();
    const linkOf = (link: string): Link => {
      const side = loaded.config.egresses.has(link) ? 'egress' : 'ingress';
      const { config } = loaded.config[side === 'egress' ? 'egresses' : 'ingresses'].get(link) ?? {};
      const { servers } = connection.parse(config);
      const double = doubleOf(servers[0]?.url ?? '', ({ destination, replyTo, headers, body }) => {
        if (side === 'ingress' && headers?.[BRIDGE_MARKER] === undefined) unfinished.left();
        entries.push({
          at: now,
          link,
          side,
          dir: 'out',
          destination,
          ...(replyTo !== undefined && { reply_to: replyTo }),
          ...(headers !== undefined && { headers: { ...headers } }),
          ...bodyFields(body),
        });
      });
      doubles.set(link, double);
      return double.link;
    };
    const unfinished = new Unfinished();
    const observer: Partial<BridgeObserver> = {
      step: (step) => unfinished.step(step),
      handled: (what) => unfinished.handled(what),
      refused: (refusal) => {
        if (!refusal.byLink) entries.push({ at: now, rejected: rejectedFields(refusal) });
      },
    };
    const header = headerFor(loaded, {
      version: '0',
      clock: requests[0]?.at ?? 0,
      nodes: { choria: { mcollective: [...NODES, 'node3.example.net'] } },
      rejections: true,
    });
    const app = createApp(
      { ...loaded, config: { ...loaded.config, drainTimeout: 0 } },
      {
        log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
        version: '0',
        clock: () => now,
        observers: [observer],
        offline: true,
        flows: flowsFrom(header.seed),
        transports: { open: (spec) => linkOf(spec.name) },
      },
    );
    for (const node of [...NODES, 'node3.example.net'])
      app.nodes.moved({ egress: 'choria', collective: 'mcollective', node, came: 'reply' });
    await app.start();
    /** Until the bridge has done all that it does about a message; it signs in other threads, and bundles in a turn. */
    const settled = async (): Promise<void> => {
      do await nextTurn();
      while (unfinished.isBusy);
    };
    for (const request of requests) {
      now = Math.max(now, request.at);
      const before = entries.length;
      entries.push({ ...request, at: now });
      if (isNodes(request)) {
        const { egress, collective, came = [], gone = [] } = request.nodes;
        for (const node of came) app.nodes.moved({ egress, collective, node, came: 'discovery' });
        for (const node of gone) app.nodes.moved({ egress, collective, node, came: undefined });
        continue;
      }
      doubles.get(request.link)?.deliver(request);
      await settled();
      for (const out of entries.slice(before)) {
        if (!isMessage(out) || out.dir === 'in' || out.side !== 'egress') continue;
        const bytes =
          out.text === undefined ? Buffer.from(out.base64 ?? '', 'base64') : Buffer.from(out.text);
        for (const answer of await answersTo(out, bytes)) {
          now = Math.max(now, answer.at);
          entries.push({ ...answer, at: now });
          doubles.get(answer.link)?.deliver(answer);
          await settled();
        }
      }
    }
    await app.stop();
    const file = join(folder, `${name}.cassette.ndjson`);
    writeFileSync(file, [formatHeader(header), ...entries.map(formatEntry)].join(''));
    return file;
  };

  return {
    folder,
    config,
    record,
    replay: (file, configFile, options = {}) =>
      replayCassette(file, loadConfig(configFile, {}, BUILT_IN), { ...options, version: '0', createApp }),
    end: () => rmSync(folder, { recursive: true, force: true }),
  };
};

export const linesIn = (file: string): readonly string[] => readFileSync(file, 'utf8').trim().split('\n');
