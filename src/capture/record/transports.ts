import { isStatsSubject } from '../../adapters/choria/wire/index.ts';
import { HELLO_MARKER } from '../../adapters/mcollective/wire/addressing.ts';
import type { BridgeObserver } from '../../envelope/observer.ts';
import type { Move } from '../../nodes/inventory.ts';
import type { IncomingMessage, Link, OutgoingMessage, Subscription } from '../../transport/link.ts';
import type { LinkPlace } from '../../transport/spec.ts';
import type { Transports } from '../../transport/transports.ts';
import type { CassetteHeader } from '../file/format.ts';
import { rejectedFields } from '../file/rejected.ts';
import type { Tap } from './recorder.ts';

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

  ended({ destination }: Subscription): void {
    this.#answers.delete(destination);
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
const tapped = (link: Link, { name, side }: LinkPlace, tap: Tap, own: OwnQuestions): Link => {
  // What bridges tell each other is no message of a client or a node.
  const isTraffic = ({ destination, headers }: IncomingMessage | OutgoingMessage): boolean =>
    !isStatsSubject(destination) && headers?.[HELLO_MARKER] === undefined;
  const sent = (message: OutgoingMessage): void => {
    if (isTraffic(message) && !own.has(message)) tap.message({ ...message, link: name, side, dir: 'out' });
  };
  return {
    open: () => link.open(),
    close: () => link.close(),
    state: () => link.state(),
    ...(link.prove && { prove: link.prove.bind(link) }),
    subscribe: async (subscription) => {
      if (side === 'egress' && !isStatsSubject(subscription.destination)) own.subscribed(subscription);
      const confirmed = await link.subscribe({
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
      return {
        unsubscribe: async () => {
          await confirmed.unsubscribe();
          own.ended(subscription);
        },
      };
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

/** A recording of all that goes through the links of a bridge, and of what it refuses. */
export interface Recording {
  /** Links that tell of all that goes through them. */
  wrap(transports: Transports): Transports;
  readonly observer: Pick<BridgeObserver, 'refused'>;
}

/** What a recording needs to know of who lives where. */
export interface KnownNodes {
  /** The nodes of each egress, by collective. */
  snapshot(): CassetteHeader['nodes'];
  onMove(watcher: (move: Move) => void): void;
}

/** A recording that lasts as long as its bridge. */
export interface RunningRecording extends Recording {
  /** Once the bridge knows who lives where: from here on messages are recorded, and headers say so. */
  begin(nodes: KnownNodes): void;
  close(): Promise<void>;
  /** As if it had not been begun. */
  abandon(): Promise<void>;
}

/** @param tap hears all that the bridge does */
export const recordingOf = (tap: Tap): Recording => {
  const own = new OwnQuestions();
  return {
    wrap: (transports) => ({
      open: (spec, options) => tapped(transports.open(spec, options), spec, tap, own),
    }),
    observer: {
      refused: (refusal) => {
        // An answer to the bridge's own question is in no recording.
        if (!own.isAnswered && !refusal.byLink) tap.rejected(rejectedFields(refusal));
      },
    },
  };
};
