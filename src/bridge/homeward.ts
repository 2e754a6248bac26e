import type { Ingress } from '../adapter/port.ts';
import type { Home, Reply } from '../envelope/message.ts';
import { asRejection, Rejection, type RejectionCode } from '../envelope/rejection.ts';
import { isSealedReply, type SealedReply } from '../envelope/sealed.ts';
import { errorReply, isAnswerable } from './error-reply.ts';
import { LineLimit } from './line-limit.ts';
import type { Log } from './log.ts';
import type { Stats } from './stats.ts';
import { type Trail, withReplyHop } from './trail.ts';

export interface HomewardOptions {
  /** By their names. */
  readonly ingresses: ReadonlyMap<string, Ingress>;
  /** What the bridge calls itself where it answers in its own name. */
  readonly identity: string;
  /** Together the bridge's name in hop trails, `<cluster>:<instance>`. */
  readonly cluster: string;
  readonly instance: string;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly log: Log;
  readonly stats: Stats;
}

/** Whose reply an error stands for. */
export interface InsteadOf {
  /** The bridge answers in its own name where the reply does not say. */
  readonly node: string | undefined;
  /** The beginning of the sentence. */
  readonly whose: string;
}

/** Where it is the way home that is not there, an error finds none either. */
const NO_WAY: ReadonlySet<RejectionCode> = new Set([
  'overloaded',
  'draining',
  'invalid_reply_to',
  'collective_not_exported',
]);

/** How often a line tells of refusals that there was no room for, in ms. Others bring those about, by the thousand. */
const QUIET = 10_000;

/** A reply's last step: out by the ingress that its request came in by. */
export class Homeward {
  readonly #options: HomewardOptions;
  readonly #lines: LineLimit;
  readonly #refusals: LineLimit;

  constructor(options: HomewardOptions) {
    this.#options = options;
    this.#lines = new LineLimit(options);
    this.#refusals = new LineLimit({ ...options, most: 1, window: QUIET });
  }

  /**
   * Where a node's reply is what cannot be sent, its requester gets an error in the node's name.
   * @returns whether it was sent; else it is counted and logged why not
   */
  send(reply: Reply | SealedReply): boolean {
    const rejection = this.#send(reply);
    if (rejection === undefined) return true;
    if (!isSealedReply(reply) && !NO_WAY.has(rejection.code)) {
      const { home, sender } = reply;
      this.answer(rejection, home, { node: sender, whose: `the reply of ${sender} could not be sent: ` });
    }
    return false;
  }

  /**
   * Tells the requester why there is no better answer, where that can be told; once, whatever becomes of it.
   * @param reply undefined where it is a request that is refused
   */
  answer(rejection: Rejection, home: Home, reply?: InsteadOf): void {
    if (!isAnswerable(rejection, home)) return;
    const { identity, clock, stats } = this.#options;
    const error = errorReply(rejection, home, reply?.node ?? identity, reply?.whose ?? '', clock());
    const isSent = this.#send(reply === undefined ? { ...error, refusal: true } : error) === undefined;
    if (isSent) stats.add('errorsSent');
  }

  /** @returns why it was not sent, counted and logged */
  #send(reply: Reply | SealedReply): Rejection | undefined {
    const { ingresses } = this.#options;
    const ingress = ingresses.get(reply.home.ingress);
    try {
      if (ingress === undefined)
        throw new Rejection(
          'invalid_reply_to',
          `the reply belongs to the ingress ${reply.home.ingress}, which this instance does not have`,
        );
      if (isSealedReply(reply)) ingress.reply({ ...reply, home: this.#withHop(reply.home, ingress) });
      else ingress.reply({ ...reply, home: this.#withHop(reply.home, ingress) });
      return undefined;
    } catch (error) {
      const rejection = asRejection(error, { requestId: reply.home.requestId, sender: reply.sender });
      this.#tell(rejection, !isSealedReply(reply) && reply.refusal === true);
      return rejection;
    }
  }

  #tell({ code, message, context }: Rejection, isRefusal: boolean): void {
    this.#options.stats.reject(code, 'reply');
    const fields = { reason: code, request_id: context.requestId, sender: context.sender };
    const lines = isRefusal && code === 'overloaded' ? this.#refusals : this.#lines;
    lines.tell(code, 'warn', fields, `reply not sent: ${message}`);
  }

  #withHop<T extends Trail>(home: T, ingress: Ingress): T {
    // Asking for a link's state is not for free, and few messages are traced.
    return home.hops === undefined ? home : withReplyHop(home, this.#options, ingress.status());
  }
}
