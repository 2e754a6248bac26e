import type { ReadableReply, ReplyPayload } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import type { SigningPool } from '../../../pki/signing-pool.ts';
import { Room } from '../../kit/room.ts';
import { encodeReplyBody } from '../wire/reply.ts';
import { type ReplyFrameOptions, type Unsent, UnsignedReply, type Way } from './unsigned-reply.ts';

export interface AnsweringOptions extends ReplyFrameOptions {
  readonly signing: SigningPool;
  /** What replies of nodes that wait for their signature may take, in bytes. */
  readonly maxUnsignedBytes: number;
}

/**
 * The bridge's own refusals that may wait for their signature. Whoever may write to the broker can bring about any
 * number, without a key; what nodes say has room of its own.
 */
const MOST_REFUSALS = 100;

/** The way home of replies: signed off the main thread, then sent as a daemon does. */
export class Answering {
  readonly #way: Way;
  readonly #signing: SigningPool;
  readonly #replies: Room;
  #refusals = 0;
  #onNone: (() => void) | undefined;

  constructor(options: AnsweringOptions) {
    this.#way = { options, left: (reply) => this.#left(reply) };
    this.#signing = options.signing;
    this.#replies = new Room(options.maxUnsignedBytes, 'replies already wait to be signed');
  }

  /**
   * @param unsent told later, and at most once, when it could not be signed or sent after all
   * @throws Rejection `overloaded`, or what the values of the reply are refused for
   */
  send(reply: ReadableReply, unsent?: Unsent): void {
    const { serializer } = this.#way.options;
    const body = encodeReplyBody(withData(reply.payload), reply.home.agent, serializer);
    const waiting = new UnsignedReply(this.#way, reply, body, unsent);
    this.#enter(waiting);
    this.#signing.add(waiting, waiting.isRefusal ? 'refusal' : 'reply');
  }

  #enter({ isRefusal, bytes }: UnsignedReply): void {
    if (!isRefusal) this.#replies.enter(bytes);
    else if (this.#refusals < MOST_REFUSALS) this.#refusals++;
    else throw new Rejection('overloaded', `${MOST_REFUSALS} refusals already wait to be signed`);
  }

  #left({ isRefusal, bytes }: UnsignedReply): void {
    if (isRefusal) this.#refusals--;
    else this.#replies.leave(bytes);
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
