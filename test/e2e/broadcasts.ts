import { claimKey } from '../../src/adapters/kit/claim-key.ts';
import { clientFrame } from '../adapters/mcollective/ingress-world.ts';
import type { ActiveMq } from '../support/activemq.ts';
import type { BridgeProcess } from '../support/bridge.ts';
import { C1, C2, C3, type MixedConfig, type MixedWorld } from '../support/mixed-world.ts';
import type { NatsServer } from '../support/nats-server.ts';
import { stompLinkTo } from '../support/stomp-link.ts';

/** A broadcast of `cert=alice` to all nodes. */
export interface Broadcast {
  readonly id: string;
  /** Under which instances claim it at the ingress `mco`. */
  readonly claim: string;
}

/** A client that asks all nodes of the main collective, again and again, and waits for no answer. */
export interface Broadcaster {
  readonly sent: readonly Broadcast[];
  send(): void;
  /** Sends so many in a second from now on. @returns ends it */
  every(perSecond: number): () => void;
  /** @returns once so many more were sent */
  more(count: number): Promise<void>;
}

export const startBroadcaster = async (
  activemq: ActiveMq,
  closing: (() => Promise<void>)[],
): Promise<Broadcaster> => {
  const link = stompLinkTo(activemq);
  closing.push(() => link.close());
  await link.open();
  const sent: Broadcast[] = [];
  const waiting = new Set<() => void>();
  const send = (): void => {
    const requestId = (sent.length + 1).toString(16).padStart(32, '0');
    const { destination, headers, body, replyTo = '' } = clientFrame({ requestId });
    link.send({ destination, headers, replyTo, body, expires: Date.now() + 60_000 });
    sent.push({ id: requestId, claim: claimKey({ ingress: 'mco', destination, body }) });
    for (const look of waiting) look();
  };
  return {
    sent,
    send,
    every: (perSecond) => {
      const timer = setInterval(send, 1000 / perSecond);
      return () => clearInterval(timer);
    },
    more: (count) => {
      const enough = sent.length + count;
      return new Promise((resolve) => {
        const look = (): void => {
          if (sent.length < enough) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
      });
    },
  };
};

/** The mixed configuration, whose instances claim broadcasts at a server of its own. */
export const withClaims =
  (claims: NatsServer) =>
  (config: MixedConfig): object => ({
    ...config,
    log: { level: 'info', format: 'json' },
    claims: { servers: [claims.url], insecure_plaintext: true },
  });

/** How often each node of the main collective was sent it. */
export const deliveries = ({ fleets }: MixedWorld, { id }: Broadcast): readonly number[] =>
  [C1, C2, C3].map((node) => fleets.go.deliveries(id).get(node) ?? 0);

/** What it writes into its claims. */
export const nonceOf = async (bridge: BridgeProcess): Promise<unknown> =>
  (await bridge.line(({ event }) => event === 'claims_open', 'that it can claim', 90_000))['nonce'];

/** It has handled a broadcast. */
export const hasHandledOne = (bridge: BridgeProcess): Promise<unknown> =>
  bridge.line(
    ({ event, route }) => event === 'request' && route === 'mco → choria',
    'a broadcast of its own',
    60_000,
  );
