// @ts-check
import { SendBuffer } from 'mcbridge/adapter';

/** @import { LinkListener, OutgoingMessage, SendBufferOptions, Unsent } from 'mcbridge/adapter' */
/** @import { HttpLinkSettings } from './settings.js' */

/**
 * @typedef {object} Turn
 * @property {OutgoingMessage} message
 * @property {() => void} done its slot is free again
 */

/** Messages that wait for one of so many slots. A POST holds its slot until it is answered to its end. */
class Lane {
  #slots;
  #active = 0;

  /** @param {SendBufferOptions} options @param {number} slots */
  constructor(options, slots) {
    this.sendBuffer = new SendBuffer(options);
    this.#slots = slots;
  }

  /** @returns {Turn | undefined} undefined where none waits, or no slot is free */
  next() {
    if (this.#active >= this.#slots) return undefined;
    const message = this.sendBuffer.shift();
    if (message === undefined) return undefined;
    this.#active++;
    return { message, done: () => void this.#active-- };
  }
}

/**
 * What waits to be posted: requests, and the bridge's own questions who is there. Each has slots of its own, so that requests which
 * are answered slowly do not hold up the questions, nor they the requests.
 */
export class Lanes {
  #requests;
  #questions;

  /** @param {HttpLinkSettings} settings @param {() => number} clock @param {LinkListener} onEvent */
  constructor({ buffer, connections }, clock, onEvent) {
    /** @type {SendBufferOptions} */
    const options = {
      ...buffer,
      clock,
      onExpired: (destination, count) => onEvent({ kind: 'expired', destination, count }),
      onError: (error) => onEvent({ kind: 'error', error }),
    };
    this.#requests = new Lane(options, connections);
    this.#questions = new Lane(options, connections);
  }

  /** Messages that wait. */
  get length() {
    return this.#requests.sendBuffer.length + this.#questions.sendBuffer.length;
  }

  /** @param {readonly OutgoingMessage[]} messages @param {boolean} isUp @param {Unsent} [unsent] @throws LinkError */
  push(messages, isUp, unsent) {
    const lane = messages[0]?.purpose === 'discovery' ? this.#questions : this.#requests;
    lane.sendBuffer.push(messages, isUp, unsent);
  }

  next() {
    return this.#questions.next() ?? this.#requests.next();
  }

  /** Forgets what waits. @returns {number} how much that was */
  clear() {
    return this.#requests.sendBuffer.clear() + this.#questions.sendBuffer.clear();
  }
}
