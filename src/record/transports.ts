import type { Transports } from '../assembly/links.ts';
import type { Log } from '../bridge/log.ts';
import type { CassetteMessage } from '../cassette/format.ts';
import type { Config } from '../config/types.ts';
import type { RejectionCode } from '../envelope/rejection.ts';
import type { IncomingMessage, Link, OutgoingMessage, Subscription } from '../transport/link.ts';
import { isStatsSubject } from '../wire/choria/index.ts';
import type { Tap } from './recorder.ts';

type Side = CassetteMessage['side'];

/**
 * The bridge's own questions of who is there: they go by no request's time, and their answers are for this process alone,
 * at a place that it makes up. What was found is in the header of a recording instead.
 */
class OwnQuestions {
  readonly #answers = new Set<string>();

  /** Replies to requests come to a queue group or to a wildcard, see the discoveries of both egresses. */
  subscribed({ destination, group }: Subscription): void {
    if (group === undefined && !destination.endsWith('.>')) this.#answers.add(destination);
  }

  /** Also as another link of the bridge hears it. */
  has({ destination, replyTo, body }: Pick<OutgoingMessage, 'destination' | 'replyTo' | 'body'>): boolean {
    if (this.#answers.size === 0) return false;
    if (this.#answers.has(destination) || (replyTo !== undefined && this.#answers.has(replyTo))) return true;
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    for (const answers of this.#answers) if (bytes.includes(`"reply-to":"${answers}"`)) return true;
    return false;
  }
}

/** The link as its user knows it; the tap is told of each message before it is handed on, and after it was sent. */
const tapped = (link: Link, name: string, side: Side, tap: Tap, own: OwnQuestions): Link => {
  // What bridges tell each other is no message of a client or a node either.
  const isTraffic = (message: IncomingMessage | OutgoingMessage): boolean =>
    !isStatsSubject(message.destination) && !own.has(message);
  return {
    open: () => link.open(),
    close: () => link.close(),
    state: () => link.state(),
    subscribe: (subscription) => {
      if (side === 'egress' && !isStatsSubject(subscription.destination)) own.subscribed(subscription);
      return link.subscribe({
        ...subscription,
        onMessage: (message) => {
          if (isTraffic(message)) tap.message({ ...message, link: name, side, dir: 'in' });
          subscription.onMessage(message);
        },
      });
    },
    send: (message) => {
      link.send(message);
      if (isTraffic(message)) tap.message({ ...message, link: name, side, dir: 'out' });
    },
  };
};

/**
 * Transports whose links tell a tap of all that goes through them. An egress and an ingress may have one name;
 * `assemble` makes the egresses' links first.
 */
export const recordingTransports = (
  { nats, stomp }: Transports,
  { ingresses, egresses }: Pick<Config, 'ingresses' | 'egresses'>,
  tap: Tap,
): Transports => {
  const made = new Set<string>();
  const own = new OwnQuestions();
  const sideOf = (name: string): Side => {
    const side = egresses.has(name) && !(made.has(name) && ingresses.has(name)) ? 'egress' : 'ingress';
    made.add(name);
    return side;
  };
  return {
    nats: (options, name) => tapped(nats(options, name), name, sideOf(name), tap, own),
    stomp: (options, name) => tapped(stomp(options, name), name, sideOf(name), tap, own),
  };
};

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const CODE = /^[a-z_]+$/;
const isCode = (text: string | undefined): text is RejectionCode => text !== undefined && CODE.test(text);

/** A log whose lines on refused messages (`rejected: …`, see the bridge's `#rejected`) the tap is told of too. */
export const recordingLog = (log: Log, tap: Tap): Log => {
  const tell = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    const code = textOf(fields['reason']);
    if (!message.startsWith('rejected: ') || !isCode(code)) return;
    const requestId = textOf(fields['request_id']);
    const sender = textOf(fields['sender']);
    tap.rejected(code, {
      ...(requestId === undefined ? {} : { requestId }),
      ...(sender === undefined ? {} : { sender }),
    });
  };
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => {
      tell(fields, message);
      log.info(fields, message);
    },
    warn: (fields, message) => {
      tell(fields, message);
      log.warn(fields, message);
    },
    error: (fields, message) => log.error(fields, message),
  };
};
