import type { StompServer, StompSettings } from './options.ts';

/** Whose turn it is, and how long to wait before it. */
export class Rotation {
  readonly #servers: readonly StompServer[];
  readonly #settings: Pick<StompSettings, 'backoff' | 'random'>;
  #turn = 0;
  #failures = 0;

  constructor(settings: Pick<StompSettings, 'servers' | 'randomize' | 'backoff' | 'random'>) {
    this.#settings = settings;
    this.#servers = settings.randomize ? shuffled(settings.servers, settings.random) : settings.servers;
  }

  /** @throws RangeError when there are no servers */
  get server(): StompServer {
    const server = this.#servers[this.#turn];
    if (server === undefined) throw new RangeError('a STOMP link needs a server');
    return server;
  }

  /** Whether each server has had its turn as often as the others. */
  get isRoundOver(): boolean {
    return this.#failures % this.#servers.length === 0;
  }

  /** The connection worked: the next failure is the first again. */
  settled(): void {
    this.#failures = 0;
  }

  /**
   * Makes it the next server's turn.
   * @returns milliseconds to wait: none while servers of this round are left, then a back-off with jitter, so
   * that the clients of a broker that comes back do not come all at once
   */
  failed(): number {
    const { backoff, random } = this.#settings;
    this.#turn = (this.#turn + 1) % this.#servers.length;
    this.#failures++;
    if (!this.isRoundOver) return 0;
    const round = this.#failures / this.#servers.length - 1;
    const full = Math.min(backoff.max, backoff.initial * 2 ** Math.min(round, 30));
    return Math.round(full * (0.5 + random() / 2));
  }
}

const shuffled = (servers: readonly StompServer[], random: () => number): readonly StompServer[] =>
  servers
    .map((server) => ({ server, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ server }) => server);
