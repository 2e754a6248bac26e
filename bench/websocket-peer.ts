import { connect } from '@nats-io/transport-node';
import { z } from 'zod';
import { Kept } from '../src/adapters/kit/kept.ts';
import { createWebSocketIngress } from '../src/adapters/websocket/ingress.ts';
import { isProvenName } from '../src/envelope/check.ts';
import { isOpaque, type ReadableRequest } from '../src/envelope/message.ts';
import type { Ingress } from '../src/envelope/port.ts';
import { SharedLink } from '../src/transport/shared-link.ts';
import { WebSocketLink } from '../src/transport/websocket/link.ts';
import { ANSWER, MANY, MANY_REPLIES, SUBJECT } from './websocket-words.ts';

/** What this process is told, as its only argument. */
const ORDER = z.object({
  nats: z.string(),
  jwks: z.string(),
  issuer: z.string(),
  audience: z.string(),
  sessions: z.int(),
  tls: z.object({ cert: z.string(), key: z.string() }).optional(),
});

/** Nodes that answer at once; nothing is behind the ingress. */
const answer = (ingress: Ingress, { home, time, targets, agent }: ReadableRequest): void => {
  const names =
    agent === MANY
      ? Array.from({ length: MANY_REPLIES }, (_, n) => `n${n}.example.net`)
      : targets.flatMap((it) => (it.kind === 'node' ? [it.node] : []));
  const payload = {
    kind: 'rpc',
    statusCode: 0,
    statusMessage: 'OK',
    data: new Map([['text', ANSWER]]),
  } as const;
  for (const sender of names) ingress.reply({ home, sender, time, payload });
};

/** A bridge's ingress with no bridge behind it, and a responder on NATS: so that only the way in is compared. */
const serve = async (order: z.output<typeof ORDER>): Promise<void> => {
  const { issuer, audience, sessions } = order;
  const link = new SharedLink(
    new WebSocketLink(
      {
        host: '127.0.0.1',
        port: 0,
        tls: order.tls,
        tokens: {
          ...{ issuer, audience, algorithms: ['RS256'], claim: 'email', leeway: 0 },
          keys: { kind: 'text', json: order.jwks },
        },
        origins: [],
        hosts: ['127.0.0.1'],
        isName: isProvenName,
        limits: {
          ...{ sessions, sessionsPerCaller: sessions, messageBytes: 256 * 1024 },
          ...{ bufferedBytes: 64 * 1024 ** 2, ping: 3_600_000 },
        },
      },
      { onEvent: () => undefined },
    ),
  );
  const ingress = createWebSocketIngress({
    name: 'web',
    around: {
      ...{ identity: 'bridge.example.net', collectives: ['mcollective'] },
      ...{ maxTtl: 600, maxTargets: MANY_REPLIES, maxMessageBytes: 1024 ** 2 },
    },
    services: {
      link: link.lease(),
      remoteNodes: { patterns: () => [], names: () => new Set(), has: () => true, onChange: () => undefined },
      clock: Date.now,
      kept: new Kept(),
    },
    limits: { calls: 10_000, queuedBytes: 64 * 1024 ** 2, messageBytes: 256 * 1024 },
  });
  await ingress.start({
    request: (request, _, done) => {
      done?.(undefined);
      if (!isOpaque(request)) setImmediate(answer, ingress, request);
    },
    foresee: () => undefined,
    rejected: (rejection) => console.error(rejection.message),
    ignored: () => undefined,
  });
  const nats = await connect({ servers: order.nats });
  nats.subscribe(SUBJECT, { callback: (_, message) => void message.respond(ANSWER) });
  await nats.flush();
  process.on('message', (what) => {
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    if (what === 'memory') process.send?.({ rss, heapUsed, external });
  });
  process.send?.({ url: ingress.status().server });
};

process.on('disconnect', () => process.exit());
await serve(ORDER.parse(JSON.parse(process.argv[2] ?? '')));
