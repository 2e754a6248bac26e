import { checkDestination, checkSubject } from '../destination.ts';
import {
  type IncomingMessage,
  type Link,
  LinkError,
  type OutgoingMessage,
  type Subscription,
} from '../link.ts';
import { matcher } from '../wildcard.ts';

/** How a kind of broker names and shares destinations. */
export interface BrokerRules {
  /** Shown as the server's URL. */
  readonly url: string;
  /** Whether every subscriber of a destination competes for its messages, as on a STOMP queue. */
  readonly isQueue: (destination: string) => boolean;
  /** @throws LinkError `protocol` for what is not a name of a destination */
  readonly check: (destination: string) => void;
}

export const NATS_RULES: BrokerRules = {
  url: 'memory://nats',
  isQueue: () => false,
  check: checkSubject,
};

export const STOMP_RULES: BrokerRules = {
  url: 'memory://stomp',
  isQueue: (destination) => destination.startsWith('/queue/'),
  check: checkDestination,
};

/** Messages that a queue without a consumer keeps. */
const MAX_QUEUED_MESSAGES = 1_000;

interface Member {
  readonly matches: (destination: string) => boolean;
  readonly selects: (headers: Readonly<Record<string, string>>) => boolean;
  /** Members of one group share messages; undefined takes a copy of each. */
  readonly group: string | undefined;
  readonly onMessage: (message: IncomingMessage) => void;
  /** Its link is gone. After an unsubscribe alone, what had arrived is still handed over. */
  closed: boolean;
  /** When it last got what a group shares; the one for whom that is longest ago is next. */
  served: number;
}

/**
 * A broker inside this process, for the demo and for tests of what lies above the transport: subjects or
 * destinations with wildcards, queue groups, queues and selectors; messages arrive in order, never at once.
 */
export class MemoryBroker {
  readonly rules: BrokerRules;
  readonly #members = new Set<Member>();
  readonly #waiting: IncomingMessage[] = [];
  #turn = 0;

  constructor(rules: BrokerRules) {
    this.rules = rules;
  }

  /** A client's connection to this broker. */
  link(): Link {
    const mine = new Set<Member>();
    let closed = false;
    const mustBeOpen = (): void => {
      if (closed) throw new LinkError('closed', 'the link is closed');
    };
    const sendAll = (messages: readonly OutgoingMessage[]): void => {
      mustBeOpen();
      for (const { destination, replyTo } of messages) {
        this.rules.check(destination);
        if (replyTo !== undefined) this.rules.check(replyTo);
      }
      for (const message of messages) this.#accept(incoming(message));
    };
    return {
      open: async () => mustBeOpen(),
      send: (message) => sendAll([message]),
      sendAll,
      subscribe: async (subscription) => {
        mustBeOpen();
        this.rules.check(subscription.destination);
        const member = memberOf(subscription, this.rules);
        mine.add(member);
        this.#members.add(member);
        for (const message of this.#waiting.splice(0)) this.#accept(message);
        return {
          unsubscribe: async () => {
            this.#members.delete(member);
            // What had arrived is handed over before this one's turn.
            await new Promise((resolve) => setImmediate(resolve));
          },
        };
      },
      close: async () => {
        closed = true;
        for (const member of mine) {
          this.#members.delete(member);
          member.closed = true;
        }
      },
      state: () => ({ up: !closed, server: this.rules.url, buffered: 0 }),
    };
  }

  #accept(message: IncomingMessage): void {
    const members = [...this.#members].filter(
      (one) => one.matches(message.destination) && one.selects(message.headers),
    );
    const isQueue = this.rules.isQueue(message.destination);
    if (isQueue && members.length === 0) {
      this.#waiting.push(message);
      if (this.#waiting.length > MAX_QUEUED_MESSAGES) this.#waiting.shift();
      return;
    }
    const groups = new Map<string, Member[]>();
    for (const member of members) {
      const group = isQueue ? '' : member.group;
      if (group === undefined) this.#hand(member, message);
      else groups.set(group, [...(groups.get(group) ?? []), member]);
    }
    for (const group of groups.values()) {
      const next = group.reduce((one, other) => (other.served < one.served ? other : one));
      next.served = ++this.#turn;
      this.#hand(next, message);
    }
  }

  #hand(member: Member, message: IncomingMessage): void {
    setImmediate(() => {
      if (!member.closed) member.onMessage(message);
    });
  }
}

const incoming = ({ destination, replyTo, headers, body }: OutgoingMessage): IncomingMessage => ({
  destination,
  headers: headers ?? {},
  body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
  ...(replyTo === undefined ? {} : { replyTo }),
});

const memberOf = ({ destination, group, headers, onMessage }: Subscription, rules: BrokerRules): Member => ({
  matches: matcher(destination),
  selects: selector(headers?.['selector']),
  group: rules === NATS_RULES ? group : undefined,
  onMessage,
  closed: false,
  served: 0,
});

type Condition = (headers: Readonly<Record<string, string>>) => boolean;

/** What daemons and bridges ask for: conditions joined by AND, each `a = '…'`, `a IN ('…','…')` or `a IS NULL`. */
const selector = (text: string | undefined): Condition => {
  if (text === undefined) return () => true;
  const conditions = text.split(' AND ').map((part) => condition(part.replace(/^\((.*)\)$/, '$1'), text));
  return (headers) => conditions.every((holds) => holds(headers));
};

const condition = (part: string, text: string): Condition => {
  const [, name = '', operator, values = ''] = /^(\w+) (=|IN|IS NULL) ?(.*)$/.exec(part) ?? [];
  const literals = new Set(
    [...values.matchAll(/'((?:[^']|'')*)'/g)].map(([, it = '']) => it.replaceAll("''", "'")),
  );
  if (operator === 'IS NULL') return (headers) => headers[name] === undefined;
  if (operator !== undefined && literals.size > 0) return (headers) => literals.has(headers[name] ?? '');
  throw new LinkError('protocol', `the in-process broker cannot evaluate the selector ${text}`);
};
