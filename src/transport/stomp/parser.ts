import { LinkError } from '../link.ts';
import { CR, type Frame, LF, type StompVersion } from './frame.ts';
import { checkBeginning, endOfHead, excerpt, type Head, parseHead } from './head.ts';

export interface ParserHandlers {
  readonly onFrame: (frame: Frame) => void;
  /** A frame whose body is above the limit and was skipped. */
  readonly onTooLarge: (head: Head, bytes: number) => void;
}

/** Bytes of a frame's command and headers; ActiveMQ itself allows 10 KiB for a line and 1000 lines. */
const MAX_HEAD_BYTES = 64 * 1024;
/** A content-length beyond this is garbage; there is no sense in skipping so much. */
const MAX_BODY_BYTES = 2 ** 30;
const LENGTH = /^\d{1,15}$/;
const EMPTY = Buffer.alloc(0);

/** A body of known length; once it does not come in one piece it is collected in `content`. */
interface Counted {
  readonly length: number;
  readonly content: Buffer | undefined;
  readonly filled: number;
}

/** A body that ends with the next NUL. */
interface Open {
  readonly length: undefined;
  readonly parts: Buffer[];
  filled: number;
}

/**
 * Bytes in, frames out; knows no socket. A body is a view of the chunk that it came in, so copy what is to be kept
 * for long. A body is copied once at most, however small the chunks. After an error it must not be fed again.
 */
export class FrameParser {
  readonly #handlers: ParserHandlers;
  readonly #maxBody: number;
  #version: StompVersion | undefined;
  /** The beginning of a head whose end has not come yet. */
  #partial: Buffer = EMPTY;
  #head: Head | undefined;
  #body: Counted | Open = { length: undefined, parts: [], filled: 0 };
  #stopped = false;

  /** @param maxBody bytes of a body; larger ones are skipped and reported */
  constructor(maxBody: number, handlers: ParserHandlers) {
    this.#maxBody = maxBody;
    this.#handlers = handlers;
  }

  /** Decides how headers are escaped from the next frame on; until then they are taken as they are. */
  set version(version: StompVersion) {
    this.#version = version;
  }

  /** Hands over no more frames, also not those of the chunk at hand. */
  stop(): void {
    this.#stopped = true;
  }

  /** @throws LinkError `protocol` when the bytes are not frames; what a handler throws passes through */
  push(chunk: Buffer): void {
    let data = chunk;
    let scanned = 0;
    if (this.#partial.length > 0) {
      // The empty line that ends the head may begin up to two bytes before the seam.
      scanned = Math.max(0, this.#partial.length - 2);
      data = Buffer.concat([this.#partial, chunk]);
      this.#partial = EMPTY;
    }
    let at = 0;
    while (at < data.length && !this.#stopped)
      at =
        this.#head === undefined ? this.#readHead(data, at, scanned) : this.#readBody(data, at, this.#head);
  }

  #readHead(data: Buffer, from: number, scanned: number): number {
    let at = from;
    // Line ends between frames are heart-beats, or follow the NUL as 1.1 allows.
    while (data[at] === LF || (data[at] === CR && (at + 1 === data.length || data[at + 1] === LF))) at++;
    if (at === data.length) return at;
    const end = endOfHead(data, Math.max(at, scanned));
    if ((end?.head ?? data.length) - at > MAX_HEAD_BYTES)
      throw new LinkError('protocol', `a frame's headers are longer than ${MAX_HEAD_BYTES} bytes`);
    if (end === undefined) {
      checkBeginning(data, at);
      this.#partial = data.subarray(at);
      return data.length;
    }
    this.#head = parseHead(data.toString('utf8', at, end.head), this.#version);
    const stated = this.#head.headers['content-length']?.trim();
    this.#body = { length: undefined, parts: [], filled: 0 };
    if (stated !== undefined) {
      const length = Number(stated);
      if (!LENGTH.test(stated) || length > MAX_BODY_BYTES)
        throw new LinkError('protocol', `a frame has the content-length ${excerpt(stated)}`);
      this.#body = { length, content: undefined, filled: 0 };
    }
    return end.body;
  }

  #readBody(data: Buffer, at: number, head: Head): number {
    const body = this.#body;
    return body.length === undefined
      ? this.#readToNul(data, at, body, head)
      : this.#readCounted(data, at, body, head);
  }

  #readCounted(data: Buffer, from: number, body: Counted, head: Head): number {
    const { length, filled } = body;
    const skip = length > this.#maxBody;
    const at = from + Math.min(length - filled, data.length - from);
    if (at === data.length) {
      const content = skip ? undefined : (body.content ?? Buffer.allocUnsafe(length));
      if (content !== undefined) data.copy(content, filled, from, at);
      this.#body = { length, content, filled: filled + at - from };
      return at;
    }
    if (data[at] !== 0)
      throw new LinkError('protocol', `a frame's body is longer than its content-length of ${length}`);
    if (body.content !== undefined) data.copy(body.content, filled, from, at);
    if (skip) this.#finish(head, EMPTY, length);
    else this.#finish(head, body.content ?? data.subarray(from, at));
    return at + 1;
  }

  #readToNul(data: Buffer, from: number, body: Open, head: Head): number {
    const nul = data.indexOf(0, from);
    const end = nul === -1 ? data.length : nul;
    body.filled += end - from;
    const skip = body.filled > this.#maxBody;
    if (skip) body.parts.length = 0;
    else body.parts.push(data.subarray(from, end));
    if (nul === -1) return end;
    const [only, ...others] = body.parts;
    if (skip) this.#finish(head, EMPTY, body.filled);
    else this.#finish(head, only !== undefined && others.length === 0 ? only : Buffer.concat(body.parts));
    return end + 1;
  }

  #finish(head: Head, body: Buffer, skipped?: number): void {
    this.#head = undefined;
    if (skipped === undefined) this.#handlers.onFrame({ ...head, body });
    else this.#handlers.onTooLarge(head, skipped);
  }
}
