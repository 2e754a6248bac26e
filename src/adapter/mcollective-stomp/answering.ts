import type { KeyObject } from 'node:crypto';
import type { Reply, ReplyPayload } from '../../envelope/message.ts';
import { asRejection, Rejection } from '../../envelope/rejection.ts';
import type { Link } from '../../transport/link.ts';
import { encodeBase64 } from '../../wire/base64.ts';
import { messageHeaders } from '../../wire/mcollective/addressing.ts';
import { encodeReplyBody, encodeSignedReply } from '../../wire/mcollective/reply.ts';
import type { Serializer } from '../../wire/mcollective/serializer.ts';
import type { SigningPool } from '../../wire/signing-pool.ts';
import { sendVia } from '../send.ts';

export interface AnsweringOptions {
  readonly link: Link;
  readonly serializer: Serializer;
  readonly base64: boolean;
  readonly priority: number;
  /** The private key that all daemons of the collective share. */
  readonly serverKey: KeyObject;
  readonly signing: SigningPool;
  /** Replies of nodes that may wait for their signature. */
  readonly maxUnsigned: number;
  readonly clock: () => number;
  /** Told of a reply that was taken and could not be sent after all. */
  readonly onError: (rejection: Rejection) => void;
}

/**
 * The bridge's own refusals that may wait for their signature. Whoever may write to the broker can bring about any
 * number, without a key; what nodes say has room of its own.
 */
const MOST_REFUSALS = 100;

type Kind = 'reply' | 'refusal';

const PLURAL: Readonly<Record<Kind, string>> = { reply: 'replies', refusal: 'refusals' };

/** The way home of replies: signed off the main thread, then sent as a daemon does. */
export class Answering {
  readonly #options: AnsweringOptions;
  readonly #unsigned = { reply: 0, refusal: 0 };
  #onNone: (() => void) | undefined;

  constructor(options: AnsweringOptions) {
    this.#options = options;
  }

  /** @throws Rejection `overloaded`, or what the values of the reply are refused for */
  send(reply: Reply): void {
    const { serializer, maxUnsigned } = this.#options;
    const kind = reply.refusal === true ? 'refusal' : 'reply';
    const most = kind === 'reply' ? maxUnsigned : MOST_REFUSALS;
    if (this.#unsigned[kind] >= most)
      throw new Rejection('overloaded', `${most} ${PLURAL[kind]} already wait to be signed`);
    const body = encodeReplyBody(withData(reply.payload), reply.home.agent, serializer);
    this.#unsigned[kind]++;
    this.#sign(reply, body, kind)
      .catch((error: unknown) => {
        const { home, sender } = reply;
        this.#options.onError(asRejection(error, { requestId: home.requestId, sender }));
      })
      .finally(() => {
        this.#unsigned[kind]--;
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
    return this.#unsigned.reply + this.#unsigned.refusal === 0;
  }

  async #sign({ home, sender, time }: Reply, body: Buffer, kind: Kind): Promise<void> {
    const { link, serializer, base64, priority, serverKey, signing, clock } = this.#options;
    const signature = await signing.sign('sha1', body, serverKey, kind);
    const { requestId, agent, expires, replyTo } = home;
    const document = encodeSignedReply(
      { senderId: sender, requestId, agent, time },
      body,
      signature,
      serializer,
    );
    const now = clock();
    const left = Math.max(0, expires - Math.floor(now / 1000));
    sendVia(link, {
      destination: replyTo,
      // A daemon's mc_sender is its own identity.
      headers: messageHeaders(now, left, { identity: sender, priority }),
      body: base64 ? Buffer.from(encodeBase64(document, 'wrapped')) : document,
      expires: expires * 1000,
    });
  }
}

/** Clients look into the data of every RPC reply and fail at a nil; daemons always write a hash. */
const withData = (payload: ReplyPayload): ReplyPayload =>
  payload.kind === 'rpc' && payload.data === null ? { ...payload, data: new Map() } : payload;
