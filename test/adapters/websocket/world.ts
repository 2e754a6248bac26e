import { vi } from 'vitest';
import { Kept } from '../../../src/adapters/kit/kept.ts';
import { createWebSocketIngress } from '../../../src/adapters/websocket/ingress.ts';
import { isOpaque, type ReadableRequest, type ReplyPayload } from '../../../src/envelope/message.ts';
import type { Ingress, RequestSink } from '../../../src/envelope/port.ts';
import type { Rejection } from '../../../src/envelope/rejection.ts';
import { SharedLink as Shared, type SharedLink } from '../../../src/transport/shared-link.ts';
import { WebSocketLink } from '../../../src/transport/websocket/link.ts';
import { connectWebClient, type WebClient } from '../../support/web-client.ts';
import { issuer, SETTINGS } from '../../transport/websocket/world.ts';

export const OK: Extract<ReplyPayload, { readonly kind: 'rpc' }> = {
  kind: 'rpc',
  statusCode: 0,
  statusMessage: 'OK',
  data: new Map([['pong', 1]]),
};

/** An ingress of one configuration, and what it has handed over. */
export interface Side {
  readonly ingress: Ingress;
  readonly requests: ReadableRequest[];
  /** What it only wanted to know of. */
  readonly foreseen: ReadableRequest[];
  readonly rejections: Rejection[];
  /** The next requests are refused so. */
  refuse(rejection: Rejection | undefined): void;
  /** Once so many requests have come. */
  request(number?: number): Promise<ReadableRequest>;
}

export interface Stage extends Side {
  readonly client: WebClient;
  readonly link: SharedLink;
  /** Lets time go by. */
  pass(ms: number): void;
  /** The same ingress under another configuration. */
  next(by?: SharedLink): Promise<Side>;
  end(): Promise<void>;
}

/** @param queuedBytes what may wait for credit */
export const startStage = async ({ queuedBytes = 1024 ** 2 } = {}): Promise<Stage> => {
  let now = Date.now();
  const clock = () => now;
  const link = new Shared(new WebSocketLink(SETTINGS, { clock, onEvent: () => undefined }));
  const kept = new Kept();
  const nodes = new Set(['n2.example.net', 'n1.example.net']);

  const side = async (by = link): Promise<Side> => {
    const requests: ReadableRequest[] = [];
    const foreseen: ReadableRequest[] = [];
    const rejections: Rejection[] = [];
    let refusal: Rejection | undefined;
    const sink: RequestSink = {
      request: (request, _, done) => {
        if (!isOpaque(request)) requests.push(request);
        queueMicrotask(() => done?.(refusal));
      },
      foresee: (request) => {
        if (!isOpaque(request)) foreseen.push(request);
        return refusal;
      },
      rejected: (rejection) => void rejections.push(rejection),
      ignored: () => undefined,
    };
    const ingress = createWebSocketIngress({
      name: 'web',
      around: {
        identity: 'bridge.example.net',
        collectives: ['mcollective'],
        maxTtl: 600,
        maxTargets: 1000,
      },
      services: {
        link: by.lease(),
        remoteNodes: { patterns: () => [], names: () => nodes, has: () => true, onChange: () => undefined },
        clock,
        kept,
      },
      limits: { calls: 4, queuedBytes, messageBytes: SETTINGS.limits.messageBytes },
    });
    await ingress.start(sink);
    return {
      ingress,
      requests,
      foreseen,
      rejections,
      refuse: (rejection) => {
        refusal = rejection;
      },
      request: (number = 1) =>
        vi.waitFor(() => {
          const found = requests[number - 1];
          if (found === undefined) throw new Error(`request ${number} has not come`);
          return found;
        }),
    };
  };

  const first = await side();
  const client = await connectWebClient(first.ingress.status().server ?? '', { token: issuer.token() });
  return {
    ...first,
    client,
    link,
    pass: (ms) => {
      now += ms;
    },
    next: side,
    end: async () => {
      client.socket.terminate();
      await link.close();
    },
  };
};
