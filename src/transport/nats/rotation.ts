import type { Server } from '@nats-io/transport-node';

/** Ms between rounds, doubling. */
export interface Backoff {
  readonly initial: number;
  readonly max: number;
}

/**
 * Which server of a pool is tried next, and after what pause. Each is tried once a round, the one that was tried longest ago
 * first; there is a pause after a round, not within it. The client's own way tries its first server twice (3.4.0).
 */
export class Rotation {
  readonly #backoff: Backoff;
  readonly #tried = new Set<string>();
  #pool: readonly string[];
  #rounds = 0;
  #pause = 0;
  #longest: number;

  /** @param pool their texts, as the client was given them */
  constructor(pool: readonly string[], backoff: Backoff) {
    this.#pool = pool;
    this.#backoff = backoff;
    this.#longest = backoff.initial;
  }

  /** @param servers all that are known by now; not empty */
  next(servers: readonly Server[]): Server | null {
    const known = new Map(servers.map((server) => [server.src, server]));
    // Those that were configured stay in their order, before those that became known.
    this.#pool = [...new Set([...this.#pool.filter((one) => known.has(one)), ...known.keys()])];
    const left = this.#pool.filter((one) => !this.#tried.has(one));
    const candidates = (left.length === 0 ? this.#pool : left).flatMap((one) => known.get(one) ?? []);
    const [first] = candidates.toSorted((a, b) => a.lastConnect - b.lastConnect);
    return first ?? null;
  }

  /** @returns ms until the next attempt, 0 within a round */
  failed(server: string): number {
    this.#tried.add(server);
    if (!this.#pool.every((one) => this.#tried.has(one))) return 0;
    this.#tried.clear();
    const { initial, max } = this.#backoff;
    this.#pause = Math.round(Math.min(max, initial * 2 ** this.#rounds++) * (0.8 + Math.random() * 0.4));
    this.#longest = this.#pause;
    return this.#pause;
  }

  /** A connection has ended. @param lasted ms: a server that ends each at once is not to be asked at full speed */
  lost(server: string, lasted: number): void {
    if (lasted > this.#longest) {
      this.#rounds = 0;
      this.#tried.clear();
    }
    this.failed(server);
  }

  /** The pause that is due before the next attempt. */
  takePause(): number {
    const pause = this.#pause;
    this.#pause = 0;
    return pause;
  }
}
