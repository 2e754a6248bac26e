import { LRUCache } from 'lru-cache';
import type { Rejection } from '../../envelope/rejection.ts';
import { own } from '../../envelope/text.ts';
import { NO_KEYS } from '../../inspect/keys.ts';
import { decodeMessage } from '../../inspect/recognise.ts';
import { type Layer, layersOf } from '../../inspect/tree.ts';
import type { CassetteMessage, CassetteRejected } from '../file/format.ts';

/** Requests whose fate is remembered. */
const MAX_REMEMBERED_REQUESTS = 10_000;

/** A reply that is gone: for what, and whose it was, where that is known. */
interface Refusal {
  readonly code: string;
  readonly sender: string | undefined;
}

/**
 * What was left out, and with it all that the bridge made of it: it would come from nowhere. That a message is refused
 * is told right after it has come in; a client may be told later.
 */
export class DroppedMessages {
  /** Requests that are gone. */
  readonly #requests = new LRUCache<string, true>({ max: MAX_REMEMBERED_REQUESTS });
  /** Of requests that are still there, refused replies that are gone and not yet reported to the client. */
  readonly #replies = new LRUCache<string, readonly Refusal[]>({ max: MAX_REMEMBERED_REQUESTS });
  /** The message that came in last, where it is gone and the bridge has not reported it yet. */
  #untold: { readonly refusal: Refusal; readonly isReply: boolean; readonly requestId?: string } | undefined;

  cameIn(): void {
    const untold = this.#untold;
    // Where refusals are not in the recording at all.
    if (untold?.isReply === true && untold.requestId !== undefined)
      this.#addReply(untold.requestId, untold.refusal);
    this.#untold = undefined;
  }

  add({ side }: CassetteMessage, { code, context: { requestId, sender } }: Rejection): void {
    const isReply = side === 'egress';
    this.#untold = { refusal: { code, sender }, isReply, ...(requestId !== undefined && { requestId }) };
    if (requestId !== undefined && !isReply) this.#requests.set(own(requestId), true);
  }

  /** Whether a refusal is that of a message that is gone. */
  isTold({ rejected: { code, request_id: requestId, sender } }: CassetteRejected): boolean {
    const untold = this.#untold;
    const isOther =
      untold?.requestId !== undefined && requestId !== undefined && requestId !== untold.requestId;
    if (untold === undefined || isOther)
      return requestId !== undefined && this.#requests.get(requestId) === true;
    this.#untold = undefined;
    if (requestId !== undefined) this.#addReply(requestId, { code, sender });
    return true;
  }

  /** Whether a message would not be there without one that is gone. */
  isCauseOf({ side, dir }: CassetteMessage, requestId: string, body: Buffer): boolean {
    if (this.#requests.get(requestId) === true) return true;
    if (side !== 'ingress' || dir !== 'out') return false;
    const untold = this.#untold?.requestId === requestId ? this.#untold : undefined;
    const refusals = this.#replies.get(requestId) ?? [];
    if (untold === undefined && refusals.length === 0) return false;
    const layers = layersOf(decodeMessage(body, NO_KEYS, 0));
    const [from, status] = [textIn(layers, 'senderid'), textIn(layers, 'statusmsg') ?? ''];
    const isFrom = ({ sender }: Refusal): boolean => sender === undefined || sender === from;
    const index = refusals.findIndex(
      (it) => isFrom(it) && status.startsWith('mcbridge: ') && status.endsWith(` (${it.code})`),
    );
    if (index !== -1) this.#replies.set(requestId, refusals.toSpliced(index, 1));
    // The bridge may have taken what could not be redacted.
    return index !== -1 || (untold !== undefined && isFrom(untold.refusal));
  }

  #addReply(requestId: string, refusal: Refusal): void {
    this.#replies.set(own(requestId), [...(this.#replies.get(requestId) ?? []), refusal]);
  }
}

/** The first text of that name, from the outermost layer inwards. */
const textIn = (layers: readonly Layer[], name: string): string | undefined => {
  const found = layers.flatMap(({ fields }) => fields).find((field) => field.name === name)?.value;
  return typeof found === 'string' ? found : undefined;
};
