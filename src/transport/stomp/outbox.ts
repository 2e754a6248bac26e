import { LinkError, type OutgoingMessage } from '../link.ts';
import { Spool } from '../spool.ts';
import { FrameBatch } from './batch.ts';
import type { Connection } from './connection.ts';
import type { StompSettings } from './options.ts';

/** From here on a burst does not wait for the end of the tick. */
const EAGER_BYTES = 64 * 1024;

/**
 * What is to be sent: the spool, and its way onto the socket. Messages leave the spool only as the socket takes
 * them, so a broken connection loses no more than the socket's own buffers hold; and none is sent twice.
 */
export class Outbox {
  readonly #settings: StompSettings;
  readonly #spool: Spool;
  readonly #batch = new FrameBatch();
  #connection: Connection | undefined;
  #scheduled: NodeJS.Immediate | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(settings: StompSettings) {
    this.#settings = settings;
    this.#spool = new Spool({
      ...settings.buffer,
      clock: settings.clock,
      onExpired: (destination, count) => settings.onEvent({ kind: 'expired', destination, count }),
    });
  }

  get length(): number {
    return this.#spool.length;
  }

  /** @throws LinkError `overloaded` when it is full, `protocol` for a body above the frame limit */
  push(message: OutgoingMessage): void {
    const { maxFrameBytes, buffer } = this.#settings;
    if (message.body.byteLength > maxFrameBytes)
      throw new LinkError(
        'protocol',
        `a body of ${message.body.byteLength} bytes is above the frame limit of ${maxFrameBytes}`,
      );
    this.#spool.push(message);
    if (this.#connection?.accepts !== true) return;
    const { bytes, length } = this.#spool;
    // What is sent in one turn of the loop shares its writes; but a burst must not overflow an idle link's buffer.
    if (bytes >= EAGER_BYTES || bytes * 2 >= buffer.maxBytes || length * 2 >= buffer.maxMessages) this.pump();
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
    while (this.#connection?.accepts === true && this.#spool.length > 0) {
      this.#fill(this.#connection);
      this.#connection.write(this.#batch.take());
    }
    if (this.#spool.length === 0) this.#onEmpty?.();
  }

  /** Resolves when all is written, the connection is gone, or the time is over. */
  flush(milliseconds: number): Promise<void> {
    if (this.#spool.length === 0 || this.#connection === undefined) return Promise.resolve();
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
    return this.#spool.clear();
  }

  #fill(connection: Connection): void {
    while (!this.#batch.full) {
      const message = this.#spool.shift();
      if (message === undefined) return;
      try {
        this.#batch.add(message, connection.version);
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        this.#settings.onEvent({ kind: 'error', error });
      }
    }
  }
}
