import { afterEach } from 'vitest';
import { Kept } from '../../../src/adapters/kit/kept.ts';
import { idOf } from '../../../src/adapters/websocket/calls/ask.ts';
import { createWebSocketIngress } from '../../../src/adapters/websocket/ingress.ts';
import { ingressContract } from '../../../src/testing/ingress-contract.ts';
import type { Answer, Question } from '../../../src/testing/ingress-stage.ts';
import { delegateLink } from '../../../src/transport/delegate-link.ts';
import type { Link } from '../../../src/transport/link.ts';
import { SharedLink } from '../../../src/transport/shared-link.ts';
import { WebSocketLink } from '../../../src/transport/websocket/link.ts';
import { connectWebClient, refusedUpgrade, type WebClient } from '../../support/web-client.ts';
import { makeTokenIssuer } from '../../support/web-tokens.ts';
import { issuer, SETTINGS } from '../../transport/websocket/world.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const COLLECTIVE = 'mcollective';
const LIMITS = { maxTtl: 600, maxAhead: 600, maxMessageBytes: 64 * 1024, maxTargets: 2 };
const stranger = makeTokenIssuer(issuer.issuer);

const callOf = ({ agent, action = 'ping', nodes, ttl, data }: Question): [string, object] =>
  agent === 'discovery'
    ? ['discover', { collective: COLLECTIVE, timeout: 1 }]
    : [
        'rpc.call',
        {
          ...{ collective: COLLECTIVE, agent, action },
          ...(nodes !== undefined && { targets: nodes }),
          ...(ttl !== undefined && { ttl }),
          ...(data !== undefined && { data: Object.fromEntries(data) }),
        },
      ];

/** What a client is told, in terms of no protocol. */
const answersOf = ({ notices }: WebClient): readonly Answer[] =>
  notices
    .filter(({ method }) => method === 'rpc.reply')
    .map(({ params }) => ({
      requestId: String(params['id']),
      node: String(params['sender']),
      payload: {
        kind: 'rpc',
        statusCode: Number(params['statuscode']),
        statusMessage: String(params['statusmsg']),
        data: new Map(Object.entries(params['data'] as object)),
      },
    }));

ingressContract(
  'websocket',
  async () => {
    let session = '';
    const shared = new SharedLink(new WebSocketLink(SETTINGS, { onEvent: () => undefined }));
    const lease = shared.lease();
    const link: Link = {
      ...delegateLink(lease),
      subscribe: (subscription) =>
        lease.subscribe({
          ...subscription,
          onMessage: (message) => {
            session = message.replyTo ?? session;
            subscription.onMessage(message);
          },
        }),
    };
    const ingress = createWebSocketIngress({
      name: 'web',
      around: { identity: 'bridge.example.net', collectives: [COLLECTIVE], ...LIMITS },
      services: {
        link,
        remoteNodes: {
          patterns: () => [],
          names: () => new Set(),
          has: () => true,
          onChange: () => undefined,
        },
        clock: Date.now,
        kept: new Kept(),
      },
      limits: { calls: 4, queuedBytes: 1024 ** 2, messageBytes: LIMITS.maxMessageBytes },
    });
    const url = () => ingress.status().server ?? '';
    let client: Promise<WebClient> | undefined;
    let connected: WebClient | undefined;
    const discovered: Answer[] = [];
    let asked = 0;
    const act = async (work: (client: WebClient) => unknown): Promise<void> => {
      client ??= connectWebClient(url(), { token: issuer.token() });
      connected = await client;
      await work(connected);
    };
    ends.push(async () => {
      connected?.socket.terminate();
      await shared.close();
    });
    return {
      ingress,
      caller: 'oidc=alice@example.net',
      collective: COLLECTIVE,
      limits: LIMITS,
      ask: (question) => {
        const number = ++asked;
        void act(async ({ call }) => {
          const answered = await call(...callOf(question));
          if (question.agent !== 'discovery' || 'error' in answered) return;
          for (const node of answered.result['nodes'] as readonly string[])
            discovered.push({ requestId: idOf(session, number), node, payload: { kind: 'discovery' } });
        });
        return undefined;
      },
      impersonate: () => {
        void refusedUpgrade(url(), { token: stranger.token() });
        return undefined;
      },
      garble: () => void act(({ socket }) => socket.send('hello')),
      answers: () => [...discovered, ...(connected === undefined ? [] : answersOf(connected))],
      forbiddenReplyTo: 'feedfeedfeedfeed.1',
    };
  },
  'session',
);
