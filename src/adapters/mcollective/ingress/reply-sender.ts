import type { ReadableReply, ReplyPayload } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import type { SigningPool } from '../../../pki/signing-pool.ts';
import { ByteBudget } from '../../kit/byte-budget.ts';
import { encodeReplyBody } from '../wire/reply.ts';
import type { Serializer } from '../wire/serializer.ts';
import type { McollectiveStompIngressOptions } from './options.ts';
import { type Unsent, UnsignedReply, type Way } from './unsigned-reply.ts';

/**
 * The bridge's own refusals that may wait for their signature. A client that may write to the broker can cause any
 * number, without a key; what nodes say has room of its own.
 */
const MAX_WAITING_REFUSALS = 100;

/** Sends replies to clients: signed off the main thread, then sent as a daemon does. */
export class ReplySender {
  readonly #way: Way;
  readonly #signing: SigningPool;
  readonly #replies: ByteBudget;
  #refusals = 0;
  #onNone: (() => void) | undefined;

  constructor(options: McollectiveStompIngressOptions, serializer: Serializer) {
    this.#way = { options, serializer, left: (reply) => this.#left(reply) };
    this.#signing = options.services.pool;
    // What waits for the link may be as much again.
    this.#replies = new ByteBudget(options.config.buffer.bytes, 'replies already wait to be signed');
  }

  /**
   * @param unsent told later, and at most once, when it could not be signed or sent after all
   * @throws Rejection `overloaded`, or what the values of the reply are refused for
   */
  send(reply: ReadableReply, unsent?: Unsent): void {
    const { serializer } = this.#way;
    const body = encodeReplyBody(withData(reply.payload), reply.home.agent, serializer);
    const waiting = new UnsignedReply(this.#way, reply, body, unsent);
    this.#enter(waiting);
    this.#signing.add(waiting, waiting.isRefusal ? 'refusal' : 'reply');
  }

  #enter({ isRefusal, bytes }: UnsignedReply): void {
    if (!isRefusal) this.#replies.reserve(bytes);
    else if (this.#refusals < MAX_WAITING_REFUSALS) this.#refusals++;
    else throw new Rejection('overloaded', `${MAX_WAITING_REFUSALS} refusals already wait to be signed`);
  }

  #left({ isRefusal, bytes }: UnsignedReply): void {
    if (isRefusal) this.#refusals--;
    else this.#replies.release(bytes);
    if (this.#isSettled) this.#onNone?.();
  }

  /** Resolves when every reply so far has been handed to the link, or when the time is over. */
  async settled(milliseconds: number): Promise<void> {
    if (this.#isSettled) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#onNone = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  get #isSettled(): boolean {
    return this.#replies.count + this.#refusals === 0;
  }
}

/** Clients look into the data of every RPC reply and fail at a nil; daemons always write a hash. */
const withData = (payload: ReplyPayload): ReplyPayload =>
  payload.kind === 'rpc' && payload.data === null ? { ...payload, data: new Map() } : payload;
