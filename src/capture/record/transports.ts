import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Exchange } from '../../control/held.ts';
import type { BridgeObserver } from '../../envelope/observer.ts';
import type { Move } from '../../nodes/inventory.ts';
import type { LoadedConfig } from '../../setup/types.ts';
import { delegateLink } from '../../transport/delegate-link.ts';
import type { IncomingMessage, Link, OutgoingMessage, Purpose, Subscription } from '../../transport/link.ts';
import type { LinkPlace } from '../../transport/spec.ts';
import type { Transports } from '../../transport/transports.ts';
import type { CassetteHeader } from '../file/format.ts';
import { rejectedFields } from '../file/rejected.ts';
import type { Tap } from './recorder.ts';

/** Questions of whose copies some may still come. */
const MAX_REMEMBERED_QUESTIONS = 10_000;

const keyOf = ({ destination, body }: Pick<OutgoingMessage, 'destination' | 'body'>): string =>
  `${createHash('sha256').update(body).digest('base64')} ${destination}`;

/**
 * The bridge's own discovery: they go by no request's time, and their answers are for this process alone,
 * at a place that it makes up. What was found is in the header of a recording instead.
 */
class OwnQuestions {
  readonly #asked = new LRUCache<string, true>({ max: MAX_REMEMBERED_QUESTIONS });
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

  ask(question: OutgoingMessage): void {
    this.#asked.set(keyOf(question), true);
  }

  /** Whether it is a copy of such a question, as another link of the bridge hears it: there its purpose is that of a request. */
  has(message: IncomingMessage): boolean {
    return this.#asked.size > 0 && this.#asked.has(keyOf(message));
  }
}

const purposeOf = ({ purpose = 'traffic' }: Subscription, message: IncomingMessage): Purpose =>
  typeof purpose === 'function' ? purpose(message) : purpose;

/** One that nobody may be listening at: then nothing is looked at for it. */
interface IdleTap extends Tap {
  isIdle?(): boolean;
}

/** The link as its user knows it; the tap gets each message before it is handed on, and after it was sent. */
const tapped = (link: Link, { name, side }: LinkPlace, tap: IdleTap, own: OwnQuestions): Link => {
  // Before they are sent: copies may come at once.
  const noted = (messages: readonly OutgoingMessage[]): void => {
    for (const message of messages) if (message.purpose === 'discovery') own.ask(message);
  };
  const sent = ({ purpose = 'traffic', ...message }: OutgoingMessage): void => {
    if (tap.isIdle?.() === true) return;
    if (purpose === 'traffic') tap.message({ ...message, link: name, side, dir: 'out' });
  };
  return {
    ...delegateLink(link),
    subscribe: (subscription) =>
      link.subscribe({
        ...subscription,
        onMessage: (message) => {
          if (tap.isIdle?.() === true) {
            subscription.onMessage(message);
            return;
          }
          const purpose = purposeOf(subscription, message);
          if (purpose === 'discovery' || own.has(message)) {
            own.answered(() => subscription.onMessage(message));
            return;
          }
          if (purpose === 'traffic') tap.message({ ...message, link: name, side, dir: 'in' });
          subscription.onMessage(message);
        },
      }),
    send: (message, unsent) => {
      noted([message]);
      link.send(message, unsent);
      sent(message);
    },
    sendAll: (messages, unsent) => {
      noted(messages);
      link.sendAll(messages, unsent);
      messages.forEach(sent);
    },
  };
};

/** A recording of all that goes through the links of a bridge, and of what it refuses. */
export interface Recording {
  /** Links that report all that goes through them. */
  wrap(transports: Transports): Transports;
  readonly observer: Pick<BridgeObserver, 'refused'>;
}

/** What a recording needs to know of where nodes live. */
export interface KnownNodes {
  /** The nodes of each egress, by collective. */
  snapshot(): CassetteHeader['nodes'];
  onMove(watcher: (move: Move) => void): void;
}

/** A recording that lasts as long as its bridge. */
export interface RunningRecording extends Recording {
  /** Once the bridge knows where nodes live: from here on messages are recorded, and headers say so. */
  begin(nodes: KnownNodes): void;
  /** By another configuration, where that has a say. @throws ConfigError where it cannot be so */
  follow?(loaded: LoadedConfig): Promise<Exchange>;
  close(): Promise<void>;
  /** As if it had not been begun. */
  abandon(): Promise<void>;
}

/** @param tap hears all that the bridge does */
export const recordingOf = (tap: IdleTap): Recording => {
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
