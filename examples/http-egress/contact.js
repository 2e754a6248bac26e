// @ts-check
import { LinkError, LinkFailures } from 'mcbridge/adapter';
import { probe } from './exchange.js';
import { closed } from './request.js';

/** @import { LinkListener } from 'mcbridge/adapter' */
/** @import { Server } from './request.js' */

/**
 * @typedef {object} ContactOptions
 * @property {readonly Server[]} servers
 * @property {number} checkEvery ms
 * @property {{ readonly initial: number, readonly max: number }} backoff ms between rounds through the servers
 * @property {boolean} failFast
 * @property {LinkListener} onEvent
 * @property {() => void} onUp
 */

/**
 * Looks whether a server is there: it asks OPTIONS of one after the other until one answers, and of that one again and again.
 * HTTP has no connection that would say by its end that a server has gone.
 */
export class Contact {
  #options;
  #abort = new AbortController();
  #isUp = false;
  /** How often something went wrong with the server, and how much of that an answer to a later OPTIONS has cleared up. */
  #doubts = 0;
  #cleared = 0;
  #index = 0;
  /** Since a server was up. */
  #failures = 0;
  /** What was wrong with each server before any was up. @type {LinkError[]} */
  #first = [];
  #reason = 'not opened yet';
  #wake = () => {};
  /** @type {{ readonly resolve: () => void, readonly reject: (error: Error) => void } | undefined} */
  #opening;

  /** @param {ContactOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get isUp() {
    return this.#isUp;
  }

  /** Whether it is up, and nothing has gone wrong since it last said so. */
  get isSure() {
    return this.#isUp && this.#doubts === this.#cleared;
  }

  get reason() {
    return this.#reason;
  }

  /** The one that is up, or whose turn is next. */
  get server() {
    const { servers } = this.#options;
    const server = servers[this.#index % servers.length];
    if (server === undefined) throw new Error('a link has at least one server');
    return server;
  }

  /** @returns {Promise<void>} once a server is there */
  open() {
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      void this.#look();
    });
  }

  /** Something went wrong with the server: it is looked at now. */
  doubt() {
    if (!this.#isUp) return;
    this.#doubts++;
    this.#wake();
  }

  close() {
    this.#abort.abort();
    this.#isUp = false;
    this.#reason = 'closed';
    this.#wake();
    this.#opening?.reject(closed());
    this.#opening = undefined;
  }

  async #look() {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const doubts = this.#doubts;
        await probe(this.server, signal);
        if (signal.aborted) return;
        this.#cleared = doubts;
        this.#came();
        if (this.#doubts === doubts) await this.#pause(this.#options.checkEvery);
      } catch (error) {
        if (signal.aborted) return;
        const reason =
          error instanceof LinkError ? error : new LinkError('unreachable', String(error), { cause: error });
        await this.#failed(reason);
      }
    }
  }

  #came() {
    this.#failures = 0;
    if (!this.#isUp) {
      this.#isUp = true;
      this.#options.onEvent({ kind: 'connected', server: this.server.url });
      this.#opening?.resolve();
      this.#opening = undefined;
    }
    this.#options.onUp();
  }

  /** @param {LinkError} error */
  async #failed(error) {
    const { servers, backoff, failFast, onEvent } = this.#options;
    const { url: server } = this.server;
    const reason = error.message;
    if (this.#isUp) onEvent({ kind: 'disconnected', server, reason });
    this.#isUp = false;
    this.#reason = reason;
    this.#failures++;
    this.#index = (this.#index + 1) % servers.length;
    const rounds = Math.floor(this.#failures / servers.length);
    const isRoundOver = this.#failures % servers.length === 0;
    if (failFast && this.#opening !== undefined) this.#first.push(error);
    if (failFast && isRoundOver && this.#opening !== undefined) {
      const [first = error, ...others] = this.#first;
      const { reject } = this.#opening;
      this.#opening = undefined;
      this.close();
      reject(others.length === 0 ? first : new LinkFailures(first, ...others));
      return;
    }
    const delay = isRoundOver ? Math.min(backoff.max, backoff.initial * 2 ** Math.min(rounds - 1, 20)) : 0;
    const hint = error.hint();
    onEvent({ kind: 'retry', server, reason, delay, ...(hint !== undefined && { hint }) });
    if (delay > 0) await this.#pause(delay);
  }

  /** @param {number} ms @returns {Promise<void>} sooner where something wakes it */
  #pause(ms) {
    // Closed by whom it has just told something: nobody would wake it.
    if (this.#abort.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
