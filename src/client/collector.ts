import { Rejection } from '../envelope/rejection.ts';
import type { ClientReply } from './reply.ts';

/** A reply, and how long it took since its request was sent. */
export interface TimedReply extends ClientReply {
  readonly milliseconds: number;
}

/** All that is known of a request at its end. */
export interface Answer {
  readonly requestId: string;
  /** In the order in which they came. */
  readonly replies: readonly TimedReply[];
  /** Those of the nodes asked by name that said nothing, in the order in which they were asked. */
  readonly missing: readonly string[];
  /** What came and is not a reply to this request. */
  readonly rejected: readonly Rejection[];
  /** Messages that were sent. */
  readonly sent: number;
  /** Those of them that had no listener, as the NATS server says. */
  readonly unheard: number;
  readonly milliseconds: number;
}

export interface Wanted {
  readonly requestId: string;
  /** The nodes that were asked by name. */
  readonly nodes: readonly string[] | undefined;
  /** It is over as soon as so many nodes have answered; the number of `nodes` unless told. */
  readonly expect: number | undefined;
  readonly sent: number;
  readonly onReply: (reply: TimedReply) => void;
}

/** Bytes of replies, about, that are kept: a whole reply of the largest kind, or some of ten thousand nodes. */
const MAX_BYTES = 64 * 1024 ** 2;
/** What a reply takes beside its body, about. */
const REPLY_BYTES = 512;

/** Collects what comes back for one request, and knows when there is nothing left to wait for. */
export class Collector {
  readonly #wanted: Wanted;
  readonly #replies: TimedReply[] = [];
  readonly #rejected: Rejection[] = [];
  readonly #asked: ReadonlySet<string> | undefined;
  readonly #open: Set<string>;
  readonly #heard = new Set<string>();
  readonly #done: () => void;
  readonly #now: () => number;
  #started: number;
  #unheard = 0;
  #refusals = 0;
  #bytes = 0;

  /** @param now ms on a clock that only goes forward @param done called once nothing is to be waited for */
  constructor(wanted: Wanted, now: () => number, done: () => void) {
    this.#wanted = wanted;
    this.#asked = wanted.nodes === undefined ? undefined : new Set(wanted.nodes);
    this.#open = new Set(wanted.nodes);
    this.#now = now;
    this.#started = now();
    this.#done = done;
  }

  /** The request goes out now. */
  start(): void {
    this.#started = this.#now();
  }

  /** @param bytes of the message that brought it */
  reply(reply: ClientReply, bytes: number): void {
    if (!this.#hasRoomFor(bytes)) return;
    const timed = { ...reply, milliseconds: this.#now() - this.#started };
    this.#replies.push(timed);
    this.#heard.add(reply.node);
    const isStranger = this.#asked?.has(reply.node) === false;
    // A broker that refuses a message says so in its own name, once for all the nodes in it.
    if (isStranger && reply.payload.kind === 'rpc' && reply.payload.statusCode !== 0) this.#refusals++;
    this.#open.delete(reply.node);
    this.#wanted.onReply(timed);
    this.#look();
  }

  reject(rejection: Rejection): void {
    if (this.#hasRoomFor(0)) this.#rejected.push(rejection);
  }

  unheard(): void {
    this.#unheard++;
    this.#look();
  }

  answer(): Answer {
    const { requestId, sent } = this.#wanted;
    return {
      requestId,
      replies: this.#replies,
      missing: [...this.#open],
      rejected: this.#rejected,
      sent,
      unheard: this.#unheard,
      milliseconds: this.#now() - this.#started,
    };
  }

  /** Anybody who can publish on the network can send replies, for as long as it waits. Where that is too much, it is over. */
  #hasRoomFor(bytes: number): boolean {
    if (this.#bytes > MAX_BYTES) return false;
    this.#bytes += bytes + REPLY_BYTES;
    if (this.#bytes <= MAX_BYTES) return true;
    const most = `${MAX_BYTES / 1024 ** 2} MiB`;
    this.#rejected.push(new Rejection('too_large', `the replies have more than ${most}: no more are read`));
    this.#done();
    return false;
  }

  #look(): void {
    const { expect, sent } = this.#wanted;
    const isDirected = this.#asked !== undefined;
    const isEnough = expect === undefined ? isDirected && this.#open.size === 0 : this.#heard.size >= expect;
    if (isEnough || this.#unheard + this.#refusals >= sent) this.#done();
  }
}
