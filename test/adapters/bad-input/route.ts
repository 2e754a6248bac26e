import { generateKeyPairSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyFolder } from '../../../src/adapters/mcollective/egress/signing.ts';
import { type Link, LinkError } from '../../../src/transport/link.ts';
import type { Case } from './case.ts';

const nodes = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `n${i}.example.net`);

/** A transport that takes nothing. */
const brokenLink = (error: LinkError): Link => {
  const send = (): void => {
    throw error;
  };
  return {
    open: async () => undefined,
    subscribe: async () => ({ unsubscribe: async () => undefined }),
    send,
    sendAll: send,
    close: async () => undefined,
    state: () => ({ up: false, buffered: 0 }),
  };
};

/** What is wrong with where a request is to go, and what the operator's settings refuse. */
export const ROUTE: readonly Case[] = [
  // where to
  { what: '10,000 targets', code: 'too_many_targets', send: { nodes: nodes(10_000) }, says: '10000 targets' },
  {
    what: 'a target in another collective',
    code: 'collective_mismatch',
    send: { federation: { target: ['secret.broadcast.agent.rpcutil'] } },
    says: 'secret',
  },
  {
    what: 'a target of another agent',
    code: 'agent_mismatch',
    send: { federation: { target: ['mcollective.broadcast.agent.puppet'] } },
    says: 'puppet',
  },
  {
    what: 'a target that is none',
    code: 'invalid_target',
    send: { federation: { target: ['mcollective.reply.x'] } },
    says: 'mcollective.reply.x',
  },
  {
    what: 'a target with a wildcard',
    code: 'invalid_target',
    send: { federation: { target: ['mcollective.node.*'] } },
    says: 'node',
  },
  {
    what: 'a target with path characters',
    code: 'invalid_target',
    send: { federation: { target: ['mcollective.node.../x'] } },
    says: 'node',
  },
  {
    what: 'a broadcast and a node at once',
    code: 'invalid_target',
    send: { federation: { target: ['mcollective.node.a', 'mcollective.broadcast.agent.rpcutil'] } },
    says: 'at once',
  },
  {
    what: 'a collective that is not exported',
    code: 'collective_not_exported',
    send: {},
    says: 'mcollective',
    world: { route: { collectives: new Set(['uk_collective']) } },
  },
  {
    what: 'a request that has been here before',
    code: 'loop',
    send: { headers: { 'seen-by': [['nats://a', 'prod:2', 'nats://b']] } },
    says: '1 hops',
  },
  // what the operator's settings refuse
  {
    what: 'a caller who would become privileged',
    code: 'privileged_mapping',
    send: {},
    says: 'cert=alice',
    world: {
      route: {
        identities: {
          rules: [
            {
              match: { kind: 'regex', pattern: /choria=(.+)\.mcollective/ },
              to: 'cert=$1',
              privileged: false,
            },
          ],
          privileged: [/alice/],
        },
      },
    },
  },
  {
    what: 'a caller who would become no callerid',
    code: 'invalid_callerid',
    send: {},
    says: 'cert=..',
    world: {
      route: {
        identities: {
          rules: [{ match: { kind: 'regex', pattern: /choria=.*/ }, to: 'cert=..', privileged: false }],
          privileged: [],
        },
      },
    },
  },
  {
    what: 'a caller without a key in the key folder',
    code: 'no_signing_key',
    send: {},
    says: 'alice.pem',
    world: { egress: { signers: keyFolder(join(tmpdir(), 'mcbridge-no-such-folder'), Date.now) } },
  },
  {
    what: 'a buffer that is full',
    code: 'overloaded',
    send: {},
    says: 'full',
    world: { egress: { link: brokenLink(new LinkError('overloaded', 'the send buffer is full')) } },
  },
  {
    what: 'a link that is closed',
    code: 'draining',
    send: {},
    says: 'closed',
    world: { egress: { link: brokenLink(new LinkError('closed', 'the link is closed')) } },
  },
  {
    what: 'a key that cannot sign',
    code: 'internal',
    send: {},
    says: 'internal error',
    world: {
      egress: {
        signers: {
          signerFor: () => ({ callerId: 'cert=alice', key: generateKeyPairSync('x25519').privateKey }),
        },
      },
    },
  },
];
