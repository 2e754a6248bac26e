import { setImmediate as turn } from 'node:timers/promises';
import type { Subscription as Held, Msg, NatsConnection, PublishOptions } from '@nats-io/transport-node';
import { LinkFailure } from '../failure/failure.ts';
import { LinkError, type OutgoingMessage, type Right, type Subscription } from '../link.ts';
import type { Handed } from '../send-buffer.ts';
import { denial, NATS_WORDS, refusedRight } from './errors.ts';
import { type HeaderBlock, headerBlock } from './headers.ts';
import { messageOf } from './incoming.ts';

/** Bytes after which the server is asked (PING, PONG) how far it has come. */
const MARK_BYTES = 256 * 1024;
/** Ms after which it is asked at the latest, where something more is sent: what it has taken it will not refuse. */
const MAX_MARK_AGE_MS = 1_000;
/** Bytes that may be under way without such an answer. More would pile up in this process' memory. */
const WINDOW_BYTES = 8 * 1024 * 1024;

export interface SessionHooks {
  readonly onError: (error: Error) => void;
  /** The server does not let this user publish there. @param given of the message, where its sender wants to be told */
  readonly onDenied: (right: Right, error: LinkError, given: Handed | undefined) => void;
  /** There is room in the window again. */
  readonly onDrain: () => void;
}

/** A message that the server may still refuse. */
interface Given {
  readonly destination: string;
  readonly handed: Handed;
}

/** One connection of the client's, from its login to its end: what may be said on it, and how far the server has come. */
export class NatsSession {
  readonly client: NatsConnection;
  /** Where it goes, without credentials. */
  readonly url: string;
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>;
  readonly #hooks: SessionHooks;
  readonly #carriesHeaders: boolean;
  #underWay = 0;
  #unmarked = 0;
  /** When the first of them was sent, by the monotonic clock. */
  #unmarkedSince = 0;
  /** What was given to the server, by marks, since the last one that it has answered. */
  readonly #given: Given[][] = [[]];
  #isOver = false;
  #isLeaving = false;
  #end: () => void = () => undefined;
  #headers: { readonly given: Readonly<Record<string, string>>; readonly block: HeaderBlock } | undefined;
  #soon: Promise<boolean> | undefined;
  /** Publishing that is being proved, by subjects, with what the server says to it. */
  readonly #proofs = new Map<string, LinkError | undefined>();
  /** Subscriptions that are being proved. */
  readonly #subscriptionProofs = new Set<(error: LinkError) => void>();

  constructor(client: NatsConnection, url: string, hooks: SessionHooks) {
    this.client = client;
    this.url = url;
    this.#hooks = hooks;
    // Said once: later INFOs may hold only what has changed.
    this.#carriesHeaders = client.info?.headers === true;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get open(): boolean {
    return !this.#isOver;
  }

  /** Whether a message can be given to it now. */
  get writable(): boolean {
    return this.#underWay < WINDOW_BYTES && !this.#isOver && !this.#isLeaving;
  }

  end(): void {
    this.#isOver = true;
    this.#end();
  }

  /** Takes no more messages. @returns when the server has taken all it was given, or the connection is gone */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    await this.flush();
  }

  /** @throws LinkError `too_large` or `protocol` for a message that the server would end the connection for */
  check({ destination, headers, body }: OutgoingMessage): void {
    this.#block(headers, body.byteLength, destination);
  }

  /** @throws LinkError as `check` does, by what the server says now: it may have changed its mind */
  send({ destination, replyTo, headers, body }: OutgoingMessage, handed?: Handed): void {
    const block = this.#block(headers, body.byteLength, destination);
    const options: PublishOptions = {};
    if (replyTo !== undefined) options.reply = replyTo;
    if (block !== undefined) options.headers = block.fields;
    const now = performance.now();
    if (this.#unmarked > 0 && now - this.#unmarkedSince > MAX_MARK_AGE_MS) this.#mark();
    if (this.#unmarked === 0) this.#unmarkedSince = now;
    this.client.publish(destination, body, options);
    if (handed !== undefined) this.#given.at(-1)?.push({ destination, handed });
    const size = destination.length + body.byteLength;
    this.#underWay += size;
    this.#unmarked += size;
    if (this.#unmarked >= MARK_BYTES) this.#mark();
  }

  /** @param onRefused also later, when the server takes a right back */
  subscribe(subscription: Subscription, onRefused: (error: LinkError) => void): Held {
    const { destination, group, onMessage, onNoResponders } = subscription;
    const receive = (message: Msg): void => {
      const incoming = messageOf(message);
      if (incoming === undefined) onNoResponders?.();
      else onMessage(incoming);
    };
    return this.client.subscribe(destination, {
      ...(group === undefined ? {} : { queue: group }),
      callback: (error, message) => {
        if (error !== null)
          return onRefused(denial(refusedRight(error.message) ?? rightOf(subscription), this.url));
        // What is thrown here would end the client's reading.
        try {
          receive(message);
        } catch (thrown) {
          this.#hooks.onError(thrown instanceof Error ? thrown : new Error(String(thrown)));
        }
      },
    });
  }

  /** @returns whether the server has taken all that was said until now; false when the connection ends before that */
  async flush(): Promise<boolean> {
    if (this.#isOver) return false;
    const flushed = this.client.flush().then(
      () => true,
      () => false,
    );
    return Promise.race([flushed, this.ended.then(() => false)]);
  }

  /** As `flush`, once for all who ask in one turn, and after what the server has said until then has been told. */
  flushSoon(): Promise<boolean> {
    this.#soon ??= Promise.resolve().then(() => {
      this.#soon = undefined;
      return this.#flushAndHear();
    });
    return this.#soon;
  }

  /** The client hands over what the server said before its PONG after it. */
  async #flushAndHear(): Promise<boolean> {
    const isTaken = await this.flush();
    await turn();
    return isTaken && !this.#isOver;
  }

  /**
   * Shows whether the server grants a right: it says so before it answers the next PING. A message goes out empty, a
   * subscription takes a copy and belongs to a queue group only where a plain one is refused.
   * @throws LinkFailure
   */
  async prove(right: Right): Promise<void> {
    if (right.kind === 'publish') return this.#provePublishing(right.destination);
    try {
      await this.#proveSubscription({ destination: right.destination });
    } catch (error) {
      // Rights may name a subject together with its group: "subject group".
      if (right.group === undefined) throw error;
      await this.#proveSubscription(right);
    }
  }

  /** What the server says to a message that it does not let through. */
  refusePublishing(right: Right): void {
    const error = denial(right, this.url);
    // The proof itself reports it to its caller.
    if (this.#proofs.has(right.destination)) this.#proofs.set(right.destination, error);
    else this.#hooks.onDenied(right, error, this.#refusedOne(right));
  }

  /** The server takes messages in order, and says of each that it refuses where it was to go. */
  #refusedOne({ destination }: Right): Handed | undefined {
    for (const given of this.#given) {
      const at = given.findIndex((one) => one.destination === destination);
      if (at >= 0) return given.splice(at, 1)[0]?.handed;
    }
    return undefined;
  }

  /** The server refuses a subscription and does not say which. @returns whether any is being proved */
  refuseProofs(error: LinkError): boolean {
    for (const refuse of this.#subscriptionProofs) refuse(error);
    return this.#subscriptionProofs.size > 0;
  }

  async #provePublishing(destination: string): Promise<void> {
    this.#proofs.set(destination, undefined);
    this.client.publish(destination);
    await this.#confirmed();
    const denied = this.#proofs.get(destination);
    this.#proofs.delete(destination);
    if (denied !== undefined) throw denied;
  }

  async #proveSubscription({ destination, group }: Pick<Right, 'destination' | 'group'>): Promise<void> {
    let refused: LinkError | undefined;
    const refuse = (error: LinkError): void => {
      refused = error;
    };
    const proof = this.subscribe(
      {
        destination,
        ...(group === undefined ? {} : { group }),
        // In a group it might have been for another member: it goes back.
        onMessage: (message) => {
          if (group !== undefined) this.send({ ...message, expires: Number.POSITIVE_INFINITY });
        },
      },
      refuse,
    );
    this.#subscriptionProofs.add(refuse);
    try {
      await this.#confirmed();
    } finally {
      this.#subscriptionProofs.delete(refuse);
    }
    if (refused !== undefined) {
      proof.unsubscribe();
      throw refused;
    }
    await Promise.race([proof.drain(), this.ended]);
  }

  async #confirmed(): Promise<void> {
    if (!(await this.#flushAndHear())) throw new LinkFailure(NATS_WORDS, this.url, 'lost');
  }

  #mark(): void {
    const marked = this.#unmarked;
    this.#unmarked = 0;
    this.#given.push([]);
    this.client.flush().then(
      async () => {
        this.#underWay -= marked;
        this.#hooks.onDrain();
        await turn();
        this.#given.shift();
      },
      // The connection is gone, and this window with it.
      () => undefined,
    );
  }

  /** The message's headers as the client wants them, where it has any. */
  #block(
    headers: Readonly<Record<string, string>> | undefined,
    bodyBytes: number,
    destination: string,
  ): HeaderBlock | undefined {
    const block = headers === undefined ? undefined : this.#blockOf(headers);
    if (block !== undefined && !this.#carriesHeaders)
      throw new LinkError('protocol', `${this.url}: it does not carry headers`);
    const bytes = bodyBytes + (block?.bytes ?? 0);
    const maxPayload = this.client.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (bytes > maxPayload)
      throw new LinkError(
        'too_large',
        `a message of ${bytes} bytes for ${destination} is larger than the NATS server ${this.url} allows ` +
          `(max_payload ${maxPayload})`,
      );
    return block;
  }

  /** Messages of one request share their headers. */
  #blockOf(given: Readonly<Record<string, string>>): HeaderBlock {
    if (this.#headers?.given !== given) this.#headers = { given, block: headerBlock(given) };
    return this.#headers.block;
  }
}

export const rightOf = ({ destination, group }: Subscription): Right => ({
  kind: 'subscribe',
  destination,
  ...(group === undefined ? {} : { group }),
});
