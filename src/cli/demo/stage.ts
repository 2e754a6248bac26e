import { createSecretKey, randomBytes } from 'node:crypto';
import { createChoriaFederationIngress } from '../../adapter/choria-federation/ingress.ts';
import { createMcollectiveStompEgress } from '../../adapter/mcollective-stomp/egress.ts';
import { Bridge } from '../../bridge/bridge.ts';
import { type ChoriaClient, createChoriaClient } from '../../client/index.ts';
import type { Request } from '../../envelope/message.ts';
import { isSealedRequest } from '../../envelope/sealed.ts';
import type { Link, OutgoingMessage } from '../../transport/link.ts';
import { MemoryBroker, NATS_RULES, STOMP_RULES } from '../../transport/memory/broker.ts';
import { createCallerVerifier } from '../../wire/choria/index.ts';
import { createSerializer } from '../../wire/mcollective/serializer.ts';
import { DEFAULT_RUBY_LIMITS } from '../../wire/ruby/value.ts';
import { SigningPool } from '../../wire/signing-pool.ts';
import { type DemoIdentity, makeAuthority, makeKeyPair } from './keys.ts';
import { startLegacyNode } from './legacy-node.ts';

export const CLUSTER = 'demo';
export const COLLECTIVE = 'mcollective';

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
  | { readonly at: 'envelope'; readonly request: Request };

export interface Stage {
  readonly bridge: Bridge;
  /** A client of the federation network. */
  client(caller: DemoIdentity): ChoriaClient;
  readonly alice: DemoIdentity;
  readonly guest: DemoIdentity;
  /** Everything seen since the last call. */
  takeSteps(): readonly Step[];
}

/** The link, telling what goes in and out of it. */
const watched = (link: Link, side: 'nats' | 'stomp', steps: Step[]): Link => {
  const note = ({ destination, headers = {}, replyTo, body }: OutgoingMessage): void => {
    const all = replyTo === undefined ? headers : { ...headers, 'reply-to': replyTo };
    steps.push({ at: `${side}-out`, destination, headers: all, body: Buffer.from(body) });
  };
  return {
    ...link,
    send: (message, unsent) => {
      note(message);
      link.send(message, unsent);
    },
    sendAll: (messages, unsent) => {
      messages.forEach(note);
      link.sendAll(messages, unsent);
    },
    subscribe: (subscription) =>
      link.subscribe({
        ...subscription,
        onMessage: (message) => {
          steps.push({
            at: `${side}-in`,
            destination: message.destination,
            headers: message.headers,
            body: message.body,
          });
          subscription.onMessage(message);
        },
      }),
  };
};

/** The real bridge between two brokers inside this process, with five legacy nodes behind it. */
export const setStage = async (): Promise<Stage> => {
  const clock = Date.now;
  const steps: Step[] = [];
  const nats = new MemoryBroker(NATS_RULES);
  const stomp = new MemoryBroker(STOMP_RULES);

  const authority = makeAuthority('mcbridge demo CA');
  const alice = authority.issue('alice.mcollective');
  const guest = authority.issue('guest.choria');
  const aliceLegacy = makeKeyPair();
  const server = makeKeyPair();

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

  const ingress = createChoriaFederationIngress({
    name: 'federation',
    link: watched(nats.link(), 'nats', steps),
    cluster: CLUSTER,
    verifier: createCallerVerifier({
      ca: authority.certificate,
      allow: [/\.mcollective$/, /\.choria$/],
      privileged: [],
    }),
    replyCollectives: new Set([COLLECTIVE]),
    maxMessageBytes: 1024 * 1024,
    maxTargets: 1_000,
    maxTtl: 3_600,
    clock,
  });
  const egress = createMcollectiveStompEgress({
    name: 'legacy',
    link: watched(stomp.link(), 'stomp', steps),
    identity: 'mcbridge.example.net',
    cluster: CLUSTER,
    tokenKey: createSecretKey(randomBytes(32)),
    collectives: [COLLECTIVE],
    serializer: 'marshal',
    base64: false,
    multiplex: false,
    priority: 0,
    directLimit: 200,
    nodes: { whereabouts: () => 'here' },
    pool: new SigningPool(),
    maxUnsignedBytes: 16 * 1024 ** 2,
    signers: { signerFor: (caller) => ({ callerId: caller, key: aliceLegacy.privateKey }) },
    serverKeys: [server.publicKey],
    maxMessageBytes: 1024 * 1024,
    clock,
  });
  const bridge = new Bridge({
    identity: 'mcbridge.example.net',
    cluster: CLUSTER,
    instance: '1',
    routes: [
      {
        from: ingress,
        to: {
          ...egress,
          deliver: (request) => {
            if (!isSealedRequest(request)) steps.push({ at: 'envelope', request });
            return egress.deliver(request);
          },
        },
        collectives: new Set([COLLECTIVE]),
        identities: {
          rules: [
            {
              match: { kind: 'regex', pattern: /choria=(.+)\.mcollective/ },
              to: 'cert=$1',
              privileged: false,
            },
          ],
          privileged: [],
        },
      },
    ],
    clock,
    drainTimeout: 0,
  });
  await bridge.start();

  return {
    bridge,
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
  };
};
