import { isOpaqueReply, type ReadableReplyAddress, type Reply, readdressed } from '../envelope/message.ts';
import type { BridgeObserver } from '../envelope/observer.ts';
import type { Ingress } from '../envelope/port.ts';
import { asRejection, Rejection, type RejectionCode, type RejectionContext } from '../envelope/rejection.ts';
import { flowOf } from './about.ts';
import { errorReply, isAnswerable } from './error-reply.ts';
import { withReplyHop } from './trail.ts';

export interface ReplyRouterOptions {
  /** The ingresses of that name: the one of now, then those before it, which send what it does not export any more. */
  readonly ingresses: (name: string) => readonly Ingress[];
  /** What the bridge calls itself where it answers in its own name. */
  readonly identity: string;
  /** Together the bridge's name in hop trails, `<cluster>:<instance>`. */
  readonly cluster: string;
  readonly instance: string;
  /** Ms since the epoch. */
  readonly clock: () => number;
  readonly observer: Pick<BridgeObserver, 'step' | 'refused'>;
}

/** Whose reply an error stands for. */
export interface InsteadOf {
  /** The bridge answers in its own name where the reply does not say. */
  readonly node: string | undefined;
  /** The beginning of the sentence. */
  readonly whose: string;
}

/** Where the reply path itself is missing, an error has none either. */
const NO_WAY: ReadonlySet<RejectionCode> = new Set([
  'expired',
  'overloaded',
  'draining',
  'not_permitted',
  'invalid_reply_to',
  'collective_not_exported',
]);

/** The codes of an ingress for a reply subject that its collectives do not have. */
const NOT_EXPORTED: ReadonlySet<RejectionCode> = new Set(['invalid_reply_to', 'collective_not_exported']);

/** The link itself reports messages that were lost while they waited. */
const TOLD_BY_LINK: ReadonlySet<RejectionCode> = new Set(['expired', 'draining']);

/** Sends replies out by the ingress that their request came in by. */
export class ReplyRouter {
  readonly #options: ReplyRouterOptions;

  constructor(options: ReplyRouterOptions) {
    this.#options = options;
  }

  /**
   * Where a node's reply cannot be sent, now or when its turn comes, its requester gets an error in the node's
   * name.
   * @returns whether it was sent; else observers are told why not
   */
  send(reply: Reply): boolean {
    const rejection = this.#send(reply, true);
    if (rejection === undefined) return true;
    if (!isOpaqueReply(reply)) this.#answerInstead(rejection, reply.home, reply.sender);
    return false;
  }

  #answerInstead(rejection: Rejection, home: ReadableReplyAddress, sender: string): void {
    if (!NO_WAY.has(rejection.code))
      this.answer(rejection, home, { node: sender, whose: `the reply of ${sender} could not be sent: ` });
  }

  /**
   * Sends the requester an error, where it has an address; whatever becomes of it, not again.
   * @param reply undefined where it is a request that is refused
   * @param answers how many the requester counts on
   */
  answer(rejection: Rejection, home: ReadableReplyAddress, reply?: InsteadOf, answers = 1): void {
    const { identity, clock, observer } = this.#options;
    const now = clock();
    if (!isAnswerable(home, now)) return;
    const error = errorReply(rejection, home, reply?.node ?? identity, reply?.whose ?? '', now);
    const sent = reply === undefined ? ({ ...error, refusal: true } as const) : error;
    for (let left = answers; left > 0; left--) {
      // Where one cannot be sent, the others cannot either.
      if (this.#send(sent, false) !== undefined) return;
      observer.step('error sent', undefined, () => ({ ...flowOf(home), requestId: home.requestId }));
    }
  }

  /**
   * @param isNodes whether it is a node's own reply, in whose place an error goes when its turn comes and it cannot be sent
   * @returns why it was not sent, as observers are told
   */
  #send(reply: Reply, isNodes: boolean): Rejection | undefined {
    const { sender } = reply;
    const about = { ...flowOf(reply.home), requestId: reply.home.requestId, sender };
    const read = isOpaqueReply(reply) ? undefined : reply;
    const isRefusal = read?.refusal === true;
    try {
      const home = isNodes ? read?.home : undefined;
      const ingresses = this.#options.ingresses(reply.home.ingress);
      this.#sendBy(ingresses, reply, this.#whenUnsent(about, isRefusal, home));
      return undefined;
    } catch (error) {
      const rejection = asRejection(error, about);
      this.#tell(rejection, isRefusal);
      return rejection;
    }
  }

  /** By the first that exports where it goes. */
  #sendBy(
    [ingress, ...earlier]: readonly Ingress[],
    reply: Reply,
    unsent: (rejection: Rejection) => void,
  ): void {
    if (ingress === undefined)
      throw new Rejection(
        'invalid_reply_to',
        `the reply belongs to the ingress ${reply.home.ingress}, which this instance does not have: instances of one cluster need the same ingresses, and another bridge a cluster of its own`,
      );
    try {
      ingress.reply(this.#traced(reply, ingress), unsent);
    } catch (error) {
      if (earlier.length === 0 || !NOT_EXPORTED.has(asRejection(error).code)) throw error;
      this.#sendBy(earlier, reply, unsent);
    }
  }

  /** Holds nothing of the reply but its reply address: as many may wait as there is room for. */
  #whenUnsent(
    about: RejectionContext & { readonly sender: string },
    isRefusal: boolean,
    home?: ReadableReplyAddress,
  ): (rejection: Rejection) => void {
    return (rejection) => {
      this.#options.observer.step('reply lost', undefined, () => about);
      this.#tell(rejection.with(about), isRefusal, TOLD_BY_LINK.has(rejection.code));
      if (home !== undefined) this.#answerInstead(rejection, home, about.sender);
    };
  }

  #tell({ code, message, context }: Rejection, isAnswer: boolean, byLink = false): void {
    this.#options.observer.refused({
      code,
      stage: 'reply',
      context,
      sentence: message,
      ...(isAnswer && { isAnswer }),
      ...(byLink && { byLink }),
    });
  }

  #traced(reply: Reply, ingress: Ingress): Reply {
    // Asking for a link's state is not for free, and few messages are traced.
    if (reply.home.hops === undefined) return reply;
    const { hops } = withReplyHop(reply.home, this.#options, ingress.status());
    return hops === undefined ? reply : readdressed(reply, { hops });
  }
}
