import type { Transports } from '../app/links.ts';
import type { BridgeObserver } from '../bridge/observer.ts';
import type { CassetteMessage } from '../cassette/format.ts';
import { rejectedFields } from '../cassette/rejected.ts';
import type { Config } from '../config/types.ts';
import type { IncomingMessage, Link, OutgoingMessage, Subscription } from '../transport/link.ts';
import { isStatsSubject } from '../wire/choria/index.ts';
import type { Tap } from './recorder.ts';

type Side = CassetteMessage['side'];

/** What a recording wants to know of the bridge beside its messages. */
type RefusalObserver = Pick<BridgeObserver, 'refused'>;

/**
 * The bridge's own questions of who is there: they go by no request's time, and their answers are for this process alone,
 * at a place that it makes up. What was found is in the header of a recording instead.
 */
class OwnQuestions {
  readonly #answers = new Set<string>();
  #answered = false;

  /** Whether an answer is being taken in: what is refused now is this answer, which is not in the recording either. */
  get isAnswered(): boolean {
    return this.#answered;
  }

  /** Discoveries take an answer in, or refuse it, before they return. */
  answered(take: () => void): void {
    this.#answered = true;
    try {
      take();
    } finally {
      this.#answered = false;
    }
  }

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
  // What bridges tell each other is no message of a client or a node.
  const isTraffic = ({ destination }: IncomingMessage | OutgoingMessage): boolean =>
    !isStatsSubject(destination);
  const sent = (message: OutgoingMessage): void => {
    if (isTraffic(message) && !own.has(message)) tap.message({ ...message, link: name, side, dir: 'out' });
  };
  return {
    open: () => link.open(),
    close: () => link.close(),
    state: () => link.state(),
    ...(link.prove && { prove: link.prove.bind(link) }),
    subscribe: (subscription) => {
      if (side === 'egress' && !isStatsSubject(subscription.destination)) own.subscribed(subscription);
      return link.subscribe({
        ...subscription,
        onMessage: (message) => {
          if (own.has(message)) {
            own.answered(() => subscription.onMessage(message));
            return;
          }
          if (isTraffic(message)) tap.message({ ...message, link: name, side, dir: 'in' });
          subscription.onMessage(message);
        },
      });
    },
    send: (message, unsent) => {
      link.send(message, unsent);
      sent(message);
    },
    sendAll: (messages, unsent) => {
      link.sendAll(messages, unsent);
      messages.forEach(sent);
    },
  };
};

/**
 * Transports whose links tell a tap of all that goes through them. An egress and an ingress may have one name;
 * `assemble` makes the egresses' links first.
 */
const recordingTransports = (
  { nats, stomp }: Transports,
  { ingresses, egresses }: Pick<Config, 'ingresses' | 'egresses'>,
  tap: Tap,
  own: OwnQuestions,
): Transports => {
  const made = new Set<string>();
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

/** Tells the tap of what is refused, unless it is an answer to the bridge's own question, which is in no recording. */
const recordingObserver = (
  within: RefusalObserver | undefined,
  tap: Tap,
  own: OwnQuestions,
): RefusalObserver => ({
  refused: (refusal) => {
    within?.refused(refusal);
    if (own.isAnswered || refusal.byLink) return;
    tap.rejected(rejectedFields(refusal));
  },
});

/** What a bridge is given so that a tap hears all that it does. */
export interface Recording {
  readonly transports: Transports;
  readonly observer: RefusalObserver;
}

/** @param within what else records it */
export const recordingOf = (
  within: Pick<Recording, 'transports'> & Partial<Recording>,
  config: Pick<Config, 'ingresses' | 'egresses'>,
  tap: Tap,
): Recording => {
  const own = new OwnQuestions();
  return {
    transports: recordingTransports(within.transports, config, tap, own),
    observer: recordingObserver(within.observer, tap, own),
  };
};
