import type { KeyObject } from 'node:crypto';
import type { Reply, ReplyPayload } from '../../envelope/message.ts';
import { asRejection, Rejection } from '../../envelope/rejection.ts';
import type { Link } from '../../transport/link.ts';
import { encodeBase64 } from '../../wire/base64.ts';
import { messageHeaders } from '../../wire/mcollective/addressing.ts';
import { encodeReplyBody, encodeSignedReply } from '../../wire/mcollective/reply.ts';
import type { Serializer } from '../../wire/mcollective/serializer.ts';
import type { SigningPool } from '../../wire/signing-pool.ts';
import { Room } from '../room.ts';
import { sendVia } from '../send.ts';
import { idFormOf } from './intake.ts';

export interface AnsweringOptions {
  readonly link: Link;
  readonly serializer: Serializer;
  readonly base64: boolean;
  readonly priority: number;
  /** The private key that all daemons of the collective share. */
  readonly serverKey: KeyObject;
  readonly signing: SigningPool;
  /** What replies of nodes that wait for their signature may take, in bytes. */
  readonly maxUnsignedBytes: number;
  readonly clock: () => number;
}

/**
 * The bridge's own refusals that may wait for their signature. Whoever may write to the broker can bring about any
 * number, without a key; what nodes say has room of its own.
 */
const MOST_REFUSALS = 100;

type Kind = 'reply' | 'refusal';

/** Told later that a reply which was taken could not be sent after all. */
type Unsent = (rejection: Rejection) => void;

/** What is needed of a reply once its body is made; its values are let go. */
type Head = Pick<Reply, 'home' | 'sender' | 'time'>;

/** The way home of replies: signed off the main thread, then sent as a daemon does. */
export class Answering {
  readonly #options: AnsweringOptions;
  readonly #replies: Room;
  #refusals = 0;
  #onNone: (() => void) | undefined;

  constructor(options: AnsweringOptions) {
    this.#options = options;
    this.#replies = new Room(options.maxUnsignedBytes, 'replies already wait to be signed');
  }

  /**
   * @param unsent told later, and at most once, when it could not be signed or sent after all
   * @throws Rejection `overloaded`, or what the values of the reply are refused for
   */
  send(reply: Reply, unsent?: Unsent): void {
    const { home, sender, time, payload } = reply;
    const leave = reply.refusal === true ? this.#enterRefusal() : undefined;
    let body: Buffer;
    try {
      // As long as it is: what it was written into is longer, and tens of thousands may wait.
      body = Buffer.from(encodeReplyBody(withData(payload), home.agent, this.#options.serializer));
    } catch (error) {
      leave?.();
      throw error;
    }
    const kind = leave === undefined ? 'reply' : 'refusal';
    this.#signed({ home, sender, time }, body, kind, leave ?? this.#replies.enter(body.length), unsent);
  }

  #enterRefusal(): () => void {
    if (this.#refusals >= MOST_REFUSALS)
      throw new Rejection('overloaded', `${MOST_REFUSALS} refusals already wait to be signed`);
    this.#refusals++;
    return () => {
      this.#refusals--;
    };
  }

  #signed(head: Head, body: Buffer, kind: Kind, leave: () => void, unsent: Unsent | undefined): void {
    this.#sign(head, body, kind, unsent)
      .catch((error: unknown) => {
        const { home, sender } = head;
        unsent?.(asRejection(error, { requestId: home.requestId, sender }));
      })
      .finally(() => {
        leave();
        if (this.#isSettled) this.#onNone?.();
      });
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

  async #sign({ home, sender, time }: Head, body: Buffer, kind: Kind, unsent?: Unsent): Promise<void> {
    const { link, serializer, base64, priority, serverKey, signing, clock } = this.#options;
    const { requestId, agent, expires, replyTo } = home;
    const idForm = idFormOf(home);
    const check = (): void => {
      if (clock() >= expires * 1000)
        throw new Rejection('expired', "the reply's time ended while it waited to be signed");
    };
    const signature = await signing.sign('sha1', body, serverKey, kind, check);
    const document = encodeSignedReply(
      { senderId: sender, requestId, agent, time, ...(idForm !== undefined && { idForm }) },
      body,
      signature,
      serializer,
    );
    const now = clock();
    const left = Math.max(0, expires - Math.floor(now / 1000));
    const message = {
      destination: replyTo,
      // A daemon's mc_sender is its own identity.
      headers: messageHeaders(now, left, { identity: sender, priority }),
      body: base64 ? Buffer.from(encodeBase64(document, 'wrapped')) : document,
      expires: expires * 1000,
    };
    sendVia(link, message, unsent);
  }
}

/** Clients look into the data of every RPC reply and fail at a nil; daemons always write a hash. */
const withData = (payload: ReplyPayload): ReplyPayload =>
  payload.kind === 'rpc' && payload.data === null ? { ...payload, data: new Map() } : payload;
