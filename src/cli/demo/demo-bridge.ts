import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { createSerializer } from '../../adapters/mcollective/wire/serializer.ts';
import { BUILT_IN } from '../../adapters/registry.ts';
import { type App, createApp } from '../../app/app.ts';
import { version } from '../../app/version.ts';
import { recordingOf } from '../../capture/record/transports.ts';
import { type ChoriaClient, createChoriaClient } from '../../client/index.ts';
import { DEFAULT_RUBY_LIMITS } from '../../codec/ruby/value.ts';
import { memoryFiles } from '../../config/key-files.ts';
import type { Decided } from '../../envelope/decision.ts';
import { SILENT_LOG } from '../../envelope/log.ts';
import type { About } from '../../envelope/observer.ts';
import { startPage } from '../../page/server.ts';
import { makeAuthority } from '../../pki/authority.ts';
import type { Explained } from '../../policy/evaluator.ts';
import { questionsOf } from '../../policy/question.ts';
import { parseConfig } from '../../setup/load.ts';
import { MemoryBroker, NATS_RULES, STOMP_RULES } from '../../transport/memory/broker.ts';
import { type DemoIdentity, issueTo, makeBarePair, pemOf } from './keys.ts';
import { startLegacyNode } from './legacy-node.ts';

export const CLUSTER = 'demo';
export const COLLECTIVE = 'mcollective';
const POLICY = 'looking';

/** The nodes of the legacy collective on stage. */
export const NODES: readonly {
  readonly identity: string;
  readonly country: string;
  readonly classes: readonly string[];
}[] = [
  { identity: 'web1.example.net', country: 'uk', classes: ['apache', 'settings'] },
  { identity: 'web2.example.net', country: 'de', classes: ['apache', 'settings'] },
  { identity: 'db1.example.net', country: 'uk', classes: ['postgresql', 'settings'] },
  { identity: 'db2.example.net', country: 'de', classes: ['postgresql', 'settings'] },
  { identity: 'mail.example.net', country: 'mt', classes: ['postfix', 'settings'] },
];

/** What passed the bridge's doors, in order. */
export type Step =
  | {
      readonly at: 'nats-in' | 'nats-out' | 'stomp-in' | 'stomp-out';
      readonly destination: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Buffer;
    }
  | { readonly at: 'envelope'; readonly about: About };

export interface DemoBridge {
  readonly app: App;
  /** Where its live page is; undefined where there is none. */
  readonly pageUrl: string | undefined;
  /** A client of the federation network. */
  client(caller: DemoIdentity): ChoriaClient;
  readonly alice: DemoIdentity;
  readonly guest: DemoIdentity;
  /** Everything seen since the last call. */
  takeSteps(): readonly Step[];
  /** How policy came to its last decision. */
  explainDecision(): Explained;
}

/** As a bridge.yaml, but for the servers: the brokers are in this process. */
const CONFIG = `
identity: mcbridge.example.net
cluster: ${CLUSTER}
instance: 1
cluster_key: \${CLUSTER_KEY}
drain_timeout: 0
http: { listen: off }
statistics: { interval: 0 }
ingresses:
  federation:
    type: choria-federation
    servers: [nats://memory:4222]
    insecure_plaintext: true
    callers:
      ca: ca.pem
      allow: ['\\.mcollective$', '\\.choria$']
egresses:
  legacy:
    type: mcollective-stomp
    servers: [stomp://memory:61613]
    signing: { keys_dir: callers }
    server_public_key: server.pem
routes:
  - from: federation
    to: legacy
    collectives: [${COLLECTIVE}]
    identities:
      - regex: choria=(.+)\\.mcollective
        to: cert=$1
    policy: ${POLICY}
policies:
  ${POLICY}:
    rules:
      - name: everybody-looks
        agents: [rpcutil.ping, rpcutil.get_fact]
        verdict: allow
      - name: inventories
        agents: [rpcutil.inventory]
        nodes: ['/(db\\d|mail)\\.example\\.net/']
        verdict: allow
      - name: no-other-inventories
        agents: [rpcutil.inventory]
        verdict: deny
        reason: inventories are read of databases and mail hosts only
`;

export interface DemoOptions {
  /** Whether it serves its live page. */
  readonly page?: boolean;
}

/** The real bridge between two brokers inside this process, with five legacy nodes behind it. */
export const createDemo = async ({ page = false }: DemoOptions = {}): Promise<DemoBridge> => {
  const clock = Date.now;
  const steps: Step[] = [];
  const nats = new MemoryBroker(NATS_RULES);
  const stomp = new MemoryBroker(STOMP_RULES);

  const authority = makeAuthority({ commonName: 'mcbridge demo CA' });
  const alice = issueTo(authority, 'alice.mcollective');
  const guest = issueTo(authority, 'guest.choria');
  const aliceLegacy = makeBarePair();
  const server = makeBarePair();

  for (const { identity, country, classes } of NODES) {
    await startLegacyNode({
      identity,
      collective: COLLECTIVE,
      facts: new Map([
        ['country', country],
        ['osfamily', 'Debian'],
      ]),
      classes,
      link: stomp.link(),
      serializer: createSerializer('marshal', DEFAULT_RUBY_LIMITS),
      serverKey: server.privateKey,
      callers: new Map([['cert=alice', aliceLegacy.publicKey]]),
      clock,
    });
  }

  const files = new Map([
    [resolve('ca.pem'), authority.certificate],
    [resolve('callers/alice.pem'), pemOf(aliceLegacy.privateKey)],
    [resolve('server.pem'), pemOf(server.publicKey)],
  ]);
  const seen = recordingOf({
    message: ({ side, dir, destination, headers = {}, replyTo, body }) =>
      steps.push({
        at: `${side === 'ingress' ? 'nats' : 'stomp'}-${dir}`,
        destination,
        headers: replyTo === undefined || dir === 'in' ? headers : { ...headers, 'reply-to': replyTo },
        body: Buffer.from(body),
      }),
    rejected: () => undefined,
    moved: () => undefined,
  });
  let decided: Decided | undefined;
  const env = { CLUSTER_KEY: randomBytes(32).toString('hex') };
  let pageUrl: string | undefined;
  const config = page ? `${CONFIG}page: { listen: 127.0.0.1:0 }\n` : CONFIG;
  const loaded = parseConfig(config, 'demo.yaml', env, BUILT_IN);
  const app = createApp(loaded, {
    log: SILENT_LOG,
    version: version(),
    keys: memoryFiles(files),
    page: async (options) => {
      const server = await startPage(options);
      pageUrl = server.url;
      return server;
    },
    transports: seen.wrap({ open: ({ transport }) => (transport === 'nats' ? nats : stomp).link() }),
    observers: [
      {
        step: (step, _, about) => {
          if (step === 'request mapped') steps.push({ at: 'envelope', about: about() });
        },
        decided: (last) => {
          decided = last;
        },
      },
    ],
  });
  await app.start();

  return {
    app,
    pageUrl,
    alice,
    guest,
    client: (caller) =>
      createChoriaClient({
        link: nats.link(),
        federation: [CLUSTER],
        collective: COLLECTIVE,
        identity: caller.name,
        callerId: `choria=${caller.name}`,
        privateKey: caller.privateKey,
        certificate: caller.certificate,
        dialect: 'ruby',
        clock,
      }),
    takeSteps: () => steps.splice(0),
    explainDecision: () => {
      const policy = loaded.policies.get(POLICY);
      if (decided === undefined || policy === undefined) throw new Error('no policy has decided');
      const [question] = questionsOf(decided, clock());
      return policy.evaluator.explain(question);
    },
  };
};
