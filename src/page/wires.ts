import { AsyncLocalStorage } from 'node:async_hooks';
import { delegateLink } from '../transport/delegate-link.ts';
import type { IncomingMessage, Link, OutgoingMessage } from '../transport/link.ts';
import type { LinkPlace } from '../transport/spec.ts';
import type { Transports } from '../transport/transports.ts';

/** A message as it was on a link. */
export interface WireMessage {
  /** The name of its ingress or egress. */
  readonly link: string;
  /** Undefined where it is longer than what is kept. */
  readonly body: Buffer | undefined;
  readonly bytes: number;
}

/** @param message makes it, which is a copy: of most messages nobody keeps one */
export type Sent = (flow: string, link: string, message: () => WireMessage) => void;

/** What one incoming message has led to. */
interface Way {
  /** Until it was asked for: what goes on in its thread may live for longer. */
  came: WireMessage | undefined;
  /** Of the request that it was. */
  flow: string | undefined;
}

/** Longer ones are not kept. */
const MAX_KEPT_BYTES = 32 * 1024;

const kept = (link: string, body: Uint8Array): WireMessage => ({
  link,
  body: body.length > MAX_KEPT_BYTES ? undefined : Buffer.from(body),
  bytes: body.length,
});

/**
 * Knows which bytes a request came as, and which it went out as: by the thread of work that leads from one to the other, and by nothing
 * that a message says of itself. While nobody wants it, messages pass as if it were not there.
 */
export class Wires {
  readonly #ways = new AsyncLocalStorage<Way>();
  #sent: Sent | undefined;

  /** @param sent told of each message that a request leads to; undefined: of none any more */
  follow(sent: Sent | undefined): void {
    this.#sent = sent;
    // Else Node.js would go on to follow every promise of the process.
    if (sent === undefined) this.#ways.disable();
  }

  /** What the request came as that is at work now, once. From now on what is sent for it is told under its flow. */
  taken(flow: string, ingress: string): WireMessage | undefined {
    const way = this.#ways.getStore();
    if (way?.came?.link !== ingress || way.flow !== undefined) return undefined;
    const { came } = way;
    way.flow = flow;
    way.came = undefined;
    return came;
  }

  /** Links whose messages are followed. */
  wrap(transports: Transports): Transports {
    return { open: (spec, options) => this.#followed(transports.open(spec, options), spec) };
  }

  #followed(link: Link, { name, side }: LinkPlace): Link {
    const tell = (messages: readonly OutgoingMessage[]): void => {
      const flow = this.#ways.getStore()?.flow;
      if (flow === undefined) return;
      for (const { body } of messages) this.#sent?.(flow, name, () => kept(name, body));
    };
    return {
      ...delegateLink(link),
      subscribe: (subscription) =>
        link.subscribe({
          ...subscription,
          onMessage: (message: IncomingMessage) => {
            // Replies are not shown.
            if (this.#sent === undefined || side === 'egress') return subscription.onMessage(message);
            const way: Way = { came: kept(name, message.body), flow: undefined };
            return this.#ways.run(way, () => subscription.onMessage(message));
          },
        }),
      send: (message, unsent) => {
        link.send(message, unsent);
        if (this.#sent !== undefined) tell([message]);
      },
      sendAll: (messages, unsent) => {
        link.sendAll(messages, unsent);
        if (this.#sent !== undefined) tell(messages);
      },
    };
  }
}
