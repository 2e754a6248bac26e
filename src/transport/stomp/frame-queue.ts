import { LinkError, type OutgoingMessage, type Unsent } from '../link.ts';
import { SendBuffer } from '../send-buffer.ts';
import { FrameBatch } from './batch.ts';
import type { Connection } from './connection.ts';
import type { StompSettings } from './options.ts';

/** From here on a burst does not wait for the end of the tick. */
const EAGER_BYTES = 64 * 1024;

/**
 * What is to be sent: the send buffer, and its way onto the socket. Messages leave the buffer only as the socket takes
 * them, so a broken connection loses no more than the socket's own buffers hold; and none is sent twice.
 */
export class FrameQueue {
  readonly #settings: StompSettings;
  readonly #sendBuffer: SendBuffer;
  readonly #batch = new FrameBatch();
  #connection: Connection | undefined;
  #scheduled: NodeJS.Immediate | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(settings: StompSettings) {
    this.#settings = settings;
    this.#sendBuffer = new SendBuffer({
      ...settings.buffer,
      clock: settings.clock,
      onExpired: (destination, count) => settings.onEvent({ kind: 'expired', destination, count }),
      onError: (error) => settings.onEvent({ kind: 'error', error }),
    });
  }

  get length(): number {
    return this.#sendBuffer.length;
  }

  /** @throws LinkError `overloaded` when it is full, `too_large` for a body above the frame limit */
  push(messages: readonly OutgoingMessage[], unsent?: Unsent): void {
    const { maxFrameBytes } = this.#settings;
    for (const { body } of messages)
      if (body.byteLength > maxFrameBytes)
        throw new LinkError(
          'too_large',
          `a body of ${body.byteLength} bytes is above the frame limit of ${maxFrameBytes}`,
        );
    this.#sendBuffer.push(messages, this.#connection !== undefined, unsent);
    if (this.#connection?.accepts !== true) return;
    // What is sent in one turn of the loop shares its writes; but an idle link's buffer is for what it cannot take.
    const { bytes } = this.#sendBuffer;
    if (bytes >= EAGER_BYTES || bytes * 2 >= this.#settings.buffer.maxBytes) this.pump();
    else this.#scheduled ??= setImmediate(() => this.pump());
  }

  attach(connection: Connection): void {
    this.#connection = connection;
    this.pump();
  }

  detach(): void {
    this.#connection = undefined;
    this.#onEmpty?.();
  }

  /** Writes as much as the socket takes. */
  pump(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    while (this.#connection?.accepts === true && this.#sendBuffer.length > 0) {
      this.#fill(this.#connection);
      this.#connection.write(this.#batch.take());
    }
    if (this.#sendBuffer.length === 0) this.#onEmpty?.();
  }

  /** Resolves when all is written, the connection is gone, or the time is over. */
  flush(milliseconds: number): Promise<void> {
    if (this.#sendBuffer.length === 0 || this.#connection === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#onEmpty?.(), milliseconds);
      this.#onEmpty = () => {
        clearTimeout(timer);
        this.#onEmpty = undefined;
        resolve();
      };
      this.pump();
    });
  }

  /** @returns how many messages were lost */
  clear(): number {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    return this.#sendBuffer.clear();
  }

  #fill(connection: Connection): void {
    while (!this.#batch.full) {
      const message = this.#sendBuffer.shift();
      if (message === undefined) return;
      try {
        this.#batch.add(message, connection.version);
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        this.#sendBuffer.refused(error);
      }
    }
  }
}
