import type { ServerResponse } from 'node:http';
import type { Proven } from '../transport/proof/proof.ts';

/** How often it is looked whether what proved a viewer still counts, in ms. */
const LOOK_MS = 1_000;

export interface ViewersOptions {
  /** Ms since the epoch. */
  readonly clock: () => number;
  /** Ends a stream, so that the browser comes anew and proves who it is. */
  readonly end: (stream: ServerResponse) => void;
}

/** Those with an open stream, for as long as what proved who they are counts. */
export class Viewers {
  readonly #options: ViewersOptions;
  readonly #streams = new Map<ServerResponse, Proven>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: ViewersOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  add(stream: ServerResponse, who: Proven): void {
    this.#streams.set(stream, who);
    stream.once('close', () => this.#streams.delete(stream));
  }

  look(): void {
    const now = this.#options.clock();
    this.keep(({ until, revoked }) => (until === undefined || now < until) && revoked?.() === undefined);
  }

  /** Ends the streams of all others. */
  keep(stays: (who: Proven) => boolean): void {
    for (const [stream, who] of this.#streams) {
      if (stays(who)) continue;
      this.#streams.delete(stream);
      this.#options.end(stream);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
