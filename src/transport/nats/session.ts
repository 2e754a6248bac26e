import { failureOf } from '../failure/classify.ts';
import { LinkFailure } from '../failure/failure.ts';
import { LinkError, type OutgoingMessage, type Right, type Subscription } from '../link.ts';
import type { Liveness, NatsConnection } from './connection.ts';
import { denial, NATS_WORDS, refusedRight, toServerError } from './errors.ts';
import { decodeHeaders, encodeHeaders, type NatsHeaders } from './headers.ts';
import type { ServerMessage } from './parser.ts';
import type { NatsServerAddress } from './server.ts';

/** Bytes after which the server is asked (PING, PONG) how far it has come. */
const MARK_BYTES = 256 * 1024;
/** Bytes that may be under way without such an answer. More would pile up in this process' memory. */
const WINDOW_BYTES = 8 * 1024 * 1024;

const NO_HEADERS: NatsHeaders = { status: undefined, fields: Object.freeze({}) };
/** The server's own notice that nobody listens where a message with a reply subject went (NATS ADR-4). */
const NO_RESPONDERS = 503;

export interface SessionHooks {
  readonly onError: (error: Error) => void;
  /** The server does not let this user publish there. */
  readonly onDenied: (right: Right, error: LinkError) => void;
  /** There is room in the window again. */
  readonly onDrain: () => void;
}

export interface SessionSubscription {
  /** Resolves once the server has it, rejects when it refuses it. Stays open when the session ends before that. */
  readonly confirmed: Promise<void>;
  unsubscribe(): Promise<void>;
}

interface Held {
  readonly subscription: Subscription;
  refused: LinkError | undefined;
}

/** One connection, from its first PONG to its end. It never comes back; the link makes another. */
export class NatsSession {
  readonly server: NatsServerAddress;
  /** Resolves with the reason, as soon as the connection is gone. */
  readonly closed: Promise<LinkError>;
  readonly #connection: NatsConnection;
  readonly #hooks: SessionHooks;
  readonly #held = new Map<string, Held>();
  #next = 1;
  #underWay = 0;
  #unmarked = 0;
  #reason: LinkError | undefined;
  /** Publishing that is being proved, by subjects, with what the server says to it. */
  readonly #proofs = new Map<string, LinkError | undefined>();

  constructor(
    connection: NatsConnection,
    server: NatsServerAddress,
    hooks: SessionHooks,
    liveness: Liveness,
  ) {
    this.#connection = connection;
    this.server = server;
    this.#hooks = hooks;
    const { url } = server;
    const about = { words: NATS_WORDS, server: url, stage: 'up', answered: true, tls: undefined } as const;
    this.closed = connection.closed.then((error) => this.#reason ?? failureOf(error, about));
    connection.listen({
      onMessage: (message) => this.#receive(message),
      onError: (text) => this.#refused(text),
    });
    connection.watch(liveness, () =>
      this.close(new LinkFailure(NATS_WORDS, url, 'gone-silent', 'it does not answer pings any more')),
    );
  }

  get open(): boolean {
    return !this.#connection.isClosed;
  }

  /** Whether a message can be given to it now. */
  get writable(): boolean {
    return this.#underWay < WINDOW_BYTES && this.open;
  }

  /** @throws LinkError `too_large` or `protocol` for a message that the server would end the connection for */
  check({ destination, headers, body }: OutgoingMessage): void {
    this.#block(headers, body.byteLength, destination);
  }

  /** @throws LinkError as `check` does, by what the server says now: it may have changed its mind */
  send({ destination, replyTo, headers, body }: OutgoingMessage): void {
    const block = this.#block(headers, body.byteLength, destination);
    this.#connection.publish(destination, replyTo, block, body);
    const size = destination.length + body.byteLength;
    this.#underWay += size;
    this.#unmarked += size;
    if (this.#unmarked >= MARK_BYTES) this.#mark();
  }

  subscribe(subscription: Subscription): SessionSubscription {
    const { destination, group } = subscription;
    const id = String(this.#next++);
    const held: Held = { subscription, refused: undefined };
    this.#held.set(id, held);
    this.#connection.tell(`SUB ${destination}${group === undefined ? '' : ` ${group}`} ${id}`);
    return {
      // The server handles a connection's commands in order: its PONG comes after what it says to this SUB.
      confirmed: this.flush().then(() => {
        if (held.refused !== undefined) throw held.refused;
      }),
      unsubscribe: async () => {
        if (!this.open || !this.#held.has(id)) return;
        this.#connection.tell(`UNSUB ${id}`);
        // What was under way comes before the PONG.
        await Promise.race([this.flush(), this.closed]);
        this.#held.delete(id);
      },
    };
  }

  /**
   * Shows whether the server grants a right: it says so before it answers the next PING. A message goes out empty, a
   * subscription takes a copy and belongs to a queue group only where a plain one is refused.
   * @throws LinkFailure
   */
  async prove(right: Right): Promise<void> {
    if (right.kind === 'publish') {
      const { destination } = right;
      this.#proofs.set(destination, undefined);
      this.#connection.publish(destination, undefined, undefined, new Uint8Array());
      await Promise.race([this.flush(), this.closed]);
      const denied = this.#proofs.get(destination);
      this.#proofs.delete(destination);
      if (denied !== undefined) throw denied;
      this.#mustBeOpen();
      return;
    }
    try {
      await this.#proveSubscription({ destination: right.destination });
    } catch (error) {
      // Rights may name a subject together with its group: "subject group".
      if (right.group === undefined) throw error;
      await this.#proveSubscription(right);
    }
  }

  async #proveSubscription({ destination, group }: Pick<Right, 'destination' | 'group'>): Promise<void> {
    const proof = this.subscribe({
      destination,
      ...(group === undefined ? {} : { group }),
      // In a group it might have been for somebody else: it goes back.
      onMessage: (message) => {
        if (group !== undefined) this.send({ ...message, expires: Number.POSITIVE_INFINITY });
      },
    });
    await Promise.race([proof.confirmed, this.closed]);
    this.#mustBeOpen();
    await proof.unsubscribe();
  }

  #mustBeOpen(): void {
    if (!this.open) throw new LinkFailure(NATS_WORDS, this.server.url, 'lost');
  }

  /** Resolves when the server has taken all that was sent; never, when the session ends before that. */
  flush(): Promise<void> {
    return this.#connection.flush();
  }

  /** Ends it at once, without waiting for the socket to take what is left. */
  close(reason?: LinkError): void {
    this.#reason ??= reason;
    this.#connection.close();
  }

  #mark(): void {
    const marked = this.#unmarked;
    this.#unmarked = 0;
    void this.flush().then(() => {
      this.#underWay -= marked;
      this.#hooks.onDrain();
    });
  }

  /** The message's headers as the server wants them, where it has any. */
  #block(
    headers: Readonly<Record<string, string>> | undefined,
    bodyBytes: number,
    destination: string,
  ): Buffer | undefined {
    const { headers: canCarry, maxPayload } = this.#connection.info;
    const block = headers === undefined ? undefined : encodeHeaders(headers);
    if (block !== undefined && !canCarry)
      throw new LinkError('protocol', `${this.server.url}: it does not carry headers`);
    const bytes = bodyBytes + (block?.byteLength ?? 0);
    if (bytes > maxPayload)
      throw new LinkError(
        'too_large',
        `a message of ${bytes} bytes for ${destination} is larger than the NATS server ${this.server.url} allows ` +
          `(max_payload ${maxPayload})`,
      );
    return block;
  }

  #receive({ subject, subscription, reply, headers, body }: ServerMessage): void {
    const held = this.#held.get(subscription);
    if (held === undefined) return;
    const { onMessage, onUnheard } = held.subscription;
    const { status, fields } = headers === undefined ? NO_HEADERS : decodeHeaders(headers);
    try {
      if (status === NO_RESPONDERS && body.length === 0) onUnheard?.();
      else
        onMessage({
          destination: subject,
          ...(reply === undefined ? {} : { replyTo: reply }),
          headers: fields,
          body,
        });
    } catch (thrown) {
      this.#hooks.onError(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  /** What `-ERR` says: that something is not permitted, or why the server ends the connection now. */
  #refused(text: string): void {
    const { url } = this.server;
    const right = refusedRight(text);
    if (right === undefined) {
      this.#reason ??= toServerError(text, url);
      return;
    }
    const error = denial(right, url);
    if (right.kind === 'publish') {
      // Whoever asks for a proof is told by it.
      if (this.#proofs.has(right.destination)) this.#proofs.set(right.destination, error);
      else this.#hooks.onDenied(right, error);
      return;
    }
    for (const [id, held] of this.#held) {
      const { subscription } = held;
      if (
        subscription.destination !== right.destination ||
        (right.group !== undefined && subscription.group !== right.group)
      )
        continue;
      held.refused = error;
      this.#held.delete(id);
    }
  }
}
