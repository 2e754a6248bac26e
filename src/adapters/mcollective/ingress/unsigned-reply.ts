import type { KeyObject } from 'node:crypto';
import { encodeBase64 } from '../../../codec/base64.ts';
import type { ReadableReply, ReadableReplyAddress } from '../../../envelope/message.ts';
import { asRejection, Rejection } from '../../../envelope/rejection.ts';
import type { SigningAlgorithm, SigningJob } from '../../../pki/signing-pool.ts';
import type { OutgoingMessage } from '../../../transport/link.ts';
import { sendVia } from '../../kit/send.ts';
import { messageHeaders } from '../wire/addressing.ts';
import { encodeSignedReply } from '../wire/reply.ts';
import type { Serializer } from '../wire/serializer.ts';
import type { McollectiveStompIngressOptions } from './options.ts';
import { idFormOf } from './request-decoder.ts';

/** Told later that a reply which was taken could not be sent after all. */
export type Unsent = (rejection: Rejection) => void;

/** What a reply needs of the reply address that all of them share. */
export interface Way {
  readonly options: McollectiveStompIngressOptions;
  readonly serializer: Serializer;
  /** The reply waits no more: it has been handed to the link, or cannot be sent. */
  left(reply: UnsignedReply): void;
}

/** What a waiting reply takes beside its body, in bytes: itself, the node's name, and who is told. */
const OVERHEAD_BYTES = 600;

/** Holds what its frame will need and no more: the values of the reply are let go, tens of thousands may wait. */
export class UnsignedReply implements SigningJob {
  readonly data: Buffer;
  readonly isRefusal: boolean;
  readonly #way: Way;
  /** That of the request, which its replies share. */
  readonly #home: ReadableReplyAddress;
  readonly #sender: string;
  readonly #time: number;
  readonly #unsent: Unsent | undefined;

  constructor(
    way: Way,
    { home, sender, time, refusal }: ReadableReply,
    body: Buffer,
    unsent: Unsent | undefined,
  ) {
    this.data = body;
    this.isRefusal = refusal === true;
    this.#way = way;
    this.#home = home;
    this.#sender = sender;
    this.#time = time;
    this.#unsent = unsent;
  }

  get algorithm(): SigningAlgorithm {
    return 'sha1';
  }

  get key(): KeyObject {
    return this.#way.options.keys.server;
  }

  /** What it takes while it waits. */
  get bytes(): number {
    return OVERHEAD_BYTES + this.data.length;
  }

  check(): void {
    if (this.#way.options.services.clock() >= this.#home.expires)
      throw new Rejection('expired', "the reply's time ended while it waited to be signed");
  }

  signed(signature: Buffer): void {
    try {
      sendVia(this.#way.options.services.link, this.#frame(signature), this.#unsent);
    } catch (error) {
      this.#tell(error);
    } finally {
      this.#way.left(this);
    }
  }

  failed(error: Error): void {
    this.#tell(error);
    this.#way.left(this);
  }

  #tell(error: unknown): void {
    this.#unsent?.(asRejection(error, { requestId: this.#home.requestId, sender: this.#sender }));
  }

  #frame(signature: Buffer): OutgoingMessage {
    const { options, serializer } = this.#way;
    const { base64, priority } = options.config;
    const { requestId, agent, expires, replyTo } = this.#home;
    const idForm = idFormOf(this.#home);
    const from = { senderId: this.#sender, requestId, agent, time: Math.floor(this.#time / 1000) };
    const head = { ...from, ...(idForm !== undefined && { idForm }) };
    const document = encodeSignedReply(head, this.data, signature, serializer);
    const now = options.services.clock();
    const left = Math.max(0, expires / 1000 - Math.floor(now / 1000));
    return {
      destination: replyTo,
      // A daemon's mc_sender is its own identity.
      headers: messageHeaders(now, left, { identity: this.#sender, priority }),
      body: base64 ? Buffer.from(encodeBase64(document, 'wrapped')) : document,
      expires,
    };
  }
}
