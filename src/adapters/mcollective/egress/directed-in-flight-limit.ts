import type { Whereabouts } from '../../../envelope/port.ts';
import { own } from '../../../envelope/text.ts';

/** Nodes that a request names, and until when its frames may lie in the broker's queue. */
export interface DirectedFrames {
  /** What tells this request from others; the same when its replies come. */
  readonly request: string;
  readonly nodes: readonly string[];
  /** Ms since the epoch when the broker drops what is left of it. */
  readonly expires: number;
}

interface Frame {
  readonly expires: number;
  readonly isStranger: boolean;
}

/** ActiveMQ looks for expired messages in a queue this often, in ms (`expireMessagesPeriod`). */
const BROKER_EXPIRY_INTERVAL_MS = 30_000;
/** How often frames that the broker has dropped are looked for, in ms; a full limit may hold many. */
const SWEEP_INTERVAL_MS = 1_000;
/** The part of the limit that is left to nodes that may not be there. */
const UNKNOWN_NODES_SHARE = 1 / 4;

/**
 * How many directed frames may lie in the broker's queue unanswered, before requests go out as broadcasts that name
 * their nodes in the filter.
 *
 * ActiveMQ shows a queue's consumers its first 200 messages only (`maxPageSize`): frames for nodes that are not
 * there lie at the front until they expire and, once they are that many, keep everybody's frames from their nodes.
 * The queue is shared with native clients and with other instances and bridges, none of which know of each other, so
 * each keeps far below that. Choria's clients send all targets to every federation, so most of them may be elsewhere.
 *
 * What is known here may be lost, or incomplete where another instance carries the replies; then more is broadcast
 * than need be.
 */
export class DirectedInFlightLimit {
  readonly #limit: number;
  /** By request, then by node. */
  readonly #open = new Map<string, Map<string, Frame>>();
  #frames = 0;
  #strangers = 0;
  #swept = Number.NEGATIVE_INFINITY;

  /** @param limit frames; fewer than this lie unanswered at any time */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether a request may go to the directed queue; notes its frames when so. */
  admits(frames: DirectedFrames, whereabouts: (node: string) => Whereabouts, now: number): boolean {
    const { request, nodes, expires } = frames;
    this.#sweep(now);
    if (this.#frames + nodes.length >= this.#limit) return false;
    const places = nodes.map(whereabouts);
    if (places.includes('elsewhere')) return false;
    const strangers = places.filter((place) => place === 'unknown').length;
    if (strangers > 0 && this.#strangers + strangers >= this.#limit * UNKNOWN_NODES_SHARE) return false;
    for (const [i, node] of nodes.entries())
      this.#note(request, node, {
        expires: expires + BROKER_EXPIRY_INTERVAL_MS,
        isStranger: places[i] !== 'here',
      });
    return true;
  }

  /** A frame has been fetched, or was never sent. */
  gone(request: string, node: string): void {
    const frames = this.#open.get(request);
    const frame = frames?.get(node);
    if (frames === undefined || frame === undefined) return;
    frames.delete(node);
    if (frames.size === 0) this.#open.delete(request);
    this.#frames--;
    if (frame.isStranger) this.#strangers--;
  }

  #note(request: string, node: string, frame: Frame): void {
    this.gone(request, node);
    let frames = this.#open.get(request);
    if (frames === undefined) {
      frames = new Map<string, Frame>();
      this.#open.set(own(request), frames);
    }
    frames.set(own(node), frame);
    this.#frames++;
    if (frame.isStranger) this.#strangers++;
  }

  #sweep(now: number): void {
    if (now < this.#swept + SWEEP_INTERVAL_MS && now >= this.#swept) return;
    this.#swept = now;
    for (const [request, frames] of this.#open)
      for (const [node, { expires }] of frames) if (expires <= now) this.gone(request, node);
  }
}
