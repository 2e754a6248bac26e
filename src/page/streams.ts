import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';

export interface StreamsOptions {
  /** What a client needs that comes for the first time, or was away for too long. */
  readonly snapshot: () => unknown;
  readonly limits?: StreamLimits;
}

export interface StreamLimits {
  readonly clients: number;
  /** What may wait for one client; who takes less than comes is cut off. */
  readonly waiting: number;
  /** Events that are kept for those who come back. */
  readonly kept: number;
}

const LIMITS: StreamLimits = { clients: 16, waiting: 2 * 1024 ** 2, kept: 512 * 1024 };
/** Bytes that wait for a client from which on it is not told what the next second replaces. */
const BEHIND = 64 * 1024;

/** Ms to take what was written last. */
const GONE_MS = 2_000;

interface Kept {
  readonly number: number;
  readonly text: string;
}

const written = (event: string, data: unknown, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/**
 * Server-sent events to few clients (https://html.spec.whatwg.org/multipage/server-sent-events.html). Who comes back with a
 * `Last-Event-ID` gets what it has missed, and a snapshot where that is not kept any more.
 */
export class Streams {
  readonly #options: StreamsOptions;
  readonly #limits: StreamLimits;
  readonly #clients = new Set<ServerResponse>();
  readonly #kept: Kept[] = [];
  /** Numbers of another process are none of this one's. */
  readonly #epoch = randomBytes(4).toString('hex');
  #bytes = 0;
  #number = 0;
  #dropped = 0;

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.#limits = options.limits ?? LIMITS;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Clients that took less than came. */
  get dropped(): number {
    return this.#dropped;
  }

  get isFull(): boolean {
    return this.#clients.size >= this.#limits.clients;
  }

  /** Tells all of what is not to be missed. */
  publish(event: string, data: unknown): void {
    const number = ++this.#number;
    const text = written(event, data, this.#id(number));
    this.#kept.push({ number, text });
    this.#bytes += text.length;
    while (this.#bytes > this.#limits.kept && this.#kept.length > 0)
      this.#bytes -= this.#kept.shift()?.text.length ?? 0;
    for (const client of this.#clients) this.#write(client, text);
  }

  /** Tells those who keep up of how it is now: the next one replaces it. */
  refresh(event: string, data: unknown): void {
    const text = written(event, data);
    for (const client of this.#clients) if (client.writableLength < BEHIND) this.#write(client, text);
  }

  /** @param last the `Last-Event-ID` that it has sent. @param now events that it gets besides */
  attach(
    client: ServerResponse,
    last: string | undefined,
    now: readonly (readonly [string, unknown])[],
  ): void {
    this.#clients.add(client);
    client.once('close', () => this.#clients.delete(client));
    const missed = this.#missedSince(last);
    const texts = missed ?? [written('snapshot', this.#options.snapshot(), this.#id(this.#number))];
    // As much as there is of it; what comes after that is counted.
    client.write([...texts, ...now.map(([event, data]) => written(event, data))].join(''));
  }

  /** It is told nothing any more. */
  detach(client: ServerResponse): void {
    if (!this.#clients.delete(client)) return;
    client.end();
    // Who does not read what is left holds nothing open by it.
    setTimeout(() => client.destroy(), GONE_MS).unref();
  }

  end(): void {
    for (const client of this.#clients) client.end();
    this.#clients.clear();
  }

  #id(number: number): string {
    return `${this.#epoch}-${number}`;
  }

  #missedSince(last: string | undefined): readonly string[] | undefined {
    const [, epoch, digits] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(last ?? '') ?? [];
    if (epoch !== this.#epoch) return undefined;
    const number = Number(digits);
    const oldest = this.#kept[0]?.number ?? this.#number + 1;
    if (number > this.#number || number < oldest - 1) return undefined;
    return this.#kept.filter((one) => one.number > number).map(({ text }) => text);
  }

  #write(client: ServerResponse, text: string): void {
    client.write(text);
    if (client.writableLength <= this.#limits.waiting) return;
    this.#dropped++;
    this.#clients.delete(client);
    client.destroy();
  }
}
