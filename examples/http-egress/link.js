// @ts-check
import { checkSubject, LinkError } from 'mcbridge/adapter';
import { Contact } from './contact.js';
import { codeOf, post } from './exchange.js';
import { Lanes } from './lanes.js';
import { Listeners } from './listeners.js';
import { closed } from './request.js';
import { serversOf } from './settings.js';
import { FAILED, REQUEST_ID } from './wire.js';

/** @import { ConnectOptions, Link, OutgoingMessage, Subscription, Unsent } from 'mcbridge/adapter' */
/** @import { Turn } from './lanes.js' */
/** @import { HttpLinkSettings } from './settings.js' */

/** A line that comes after its request's ttl is still read for so long, so that it is refused and counted. */
const LATE_MS = 10_000;
/** What `close` spends on sending what waits. */
const CLOSE_MS = 5_000;

/**
 * A link to a server that answers by HTTP, or to one of several. Each message that goes out is one POST; each line of its answer
 * comes in as a message at the place where that POST awaits replies, and at no other. What goes wrong with a POST comes in there
 * too, marked by the header `failed`, so that recordings have it.
 * @implements {Link}
 */
export class HttpLink {
  #settings;
  #onEvent;
  #clock;
  #agent;
  #lanes;
  #contact;
  #abort = new AbortController();
  #listeners;
  /** POSTs that have not wholly left. */
  #leaving = 0;
  /** @type {Promise<void> | undefined} */
  #opened;
  /** @type {Promise<void> | undefined} */
  #closing;
  #whenLeft = () => {};

  /** @param {HttpLinkSettings} settings @param {ConnectOptions} options */
  constructor(settings, { onEvent, clock = Date.now, failFast = false }) {
    this.#settings = settings;
    this.#onEvent = onEvent;
    this.#clock = clock;
    this.#listeners = new Listeners(onEvent);
    const { agent, servers } = serversOf(settings);
    this.#agent = agent;
    this.#lanes = new Lanes(settings, clock, onEvent);
    this.#contact = new Contact({
      servers,
      checkEvery: settings.checkEvery,
      backoff: settings.backoff,
      failFast,
      onEvent,
      onUp: () => this.#pump(),
    });
  }

  open() {
    if (this.#closing !== undefined) return Promise.reject(closed());
    this.#opened ??= this.#contact.open();
    return this.#opened;
  }

  /** @param {Subscription} subscription */
  async subscribe(subscription) {
    this.#mustBeOpen();
    return this.#listeners.add(subscription);
  }

  /** @param {OutgoingMessage} message @param {Unsent} [unsent] */
  send(message, unsent) {
    this.sendAll([message], unsent);
  }

  /** @param {readonly OutgoingMessage[]} messages @param {Unsent} [unsent] */
  sendAll(messages, unsent) {
    this.#mustBeOpen();
    for (const { destination, replyTo } of messages) {
      checkSubject(destination);
      if (replyTo !== undefined) checkSubject(replyTo);
    }
    this.#lanes.push(messages, this.#contact.isUp, unsent);
    this.#pump();
  }

  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  state() {
    const { isUp: up, server, reason } = this.#contact;
    return { up, buffered: this.#lanes.length, ...(up ? { server: server.url } : { reason }) };
  }

  #mustBeOpen() {
    if (this.#closing !== undefined) throw closed();
  }

  #pump() {
    // What went to a server that is in doubt might be lost.
    while (this.#contact.isSure) {
      const turn = this.#lanes.next();
      if (turn === undefined) return;
      this.#leaving++;
      void this.#exchange(turn);
    }
  }

  /** @param {Turn} turn */
  async #exchange({ message, done }) {
    const { destination, replyTo = destination, headers = {}, body, expires } = message;
    let isLeaving = true;
    const left = () => {
      if (isLeaving) this.#leaving--;
      isLeaving = false;
      if (this.#leaving === 0 && this.#lanes.length === 0) this.#whenLeft();
    };
    const lifetime = expires - this.#clock() + LATE_MS;
    /** @param {Buffer} line */
    const onLine = (line) => this.#listeners.hand({ destination: replyTo, headers: {}, body: line });
    try {
      await post(
        this.#contact.server,
        { headers: { ...headers, 'reply-to': replyTo }, body, signal: this.#abort.signal },
        { limits: this.#settings.answer, onLine, lifetime, onSent: left },
      );
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#failed(error, replyTo, headers[REQUEST_ID]);
    }
    done();
    // Before this one has left, so that what comes next is on its way.
    this.#pump();
    left();
  }

  /** @param {unknown} error @param {string} destination @param {string | undefined} request */
  #failed(error, destination, request) {
    // What a server answers shows that it is there.
    if (error instanceof LinkError && error.code !== 'protocol') this.#contact.doubt();
    const headers = { [FAILED]: codeOf(error), ...(request !== undefined && { [REQUEST_ID]: request }) };
    const text = error instanceof Error ? error.message : String(error);
    this.#listeners.hand({ destination, headers, body: Buffer.from(text) });
  }

  async #close() {
    /** @type {Promise<void>} */
    const left = new Promise((resolve) => {
      this.#whenLeft = resolve;
    });
    if (this.#contact.isUp && (this.#lanes.length > 0 || this.#leaving > 0)) {
      const timer = setTimeout(this.#whenLeft, CLOSE_MS);
      await left;
      clearTimeout(timer);
    }
    this.#contact.close();
    this.#abort.abort();
    this.#agent.destroy();
    const lost = this.#lanes.clear();
    if (lost > 0)
      this.#onEvent({
        kind: 'error',
        error: new LinkError('closed', `the link was closed while ${lost} messages waited to be sent`),
      });
  }
}
