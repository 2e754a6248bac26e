import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage, Link, LinkEvent, OutgoingMessage } from '../../../src/transport/link.ts';
import { createStompLink, type StompLinkOptions } from '../../../src/transport/stomp/index.ts';
import type { ActiveMq } from '../../support/activemq.ts';

export interface Recorded {
  readonly link: Link;
  readonly events: readonly LinkEvent[];
  kinds(): readonly LinkEvent['kind'][];
  /** The messages of all errors, and the reasons of all failures. */
  reasons(): readonly string[];
}

const open: Link[] = [];

/** A link with short times whose events are kept; closed by `closeLinks`. */
export const linkTo = (
  servers: StompLinkOptions['servers'],
  account: Partial<Pick<ActiveMq, 'user' | 'password'>>,
  more: Partial<StompLinkOptions> = {},
): Recorded => {
  const events: LinkEvent[] = [];
  const link = createStompLink({
    servers,
    ...(account.user !== undefined && { login: account.user }),
    ...(account.password !== undefined && { passcode: account.password }),
    vhost: 'mcollective',
    backoff: { initial: 50, max: 400 },
    clock: Date.now,
    onEvent: (event) => events.push(event),
    ...more,
  });
  open.push(link);
  return {
    link,
    events,
    kinds: () => events.map(({ kind }) => kind),
    reasons: () =>
      events.flatMap((event) => {
        if (event.kind === 'error') return [event.error.message];
        return 'reason' in event ? [event.reason] : [];
      }),
  };
};

export const closeLinks = async (): Promise<void> => {
  await Promise.all(open.splice(0).map((link) => link.close()));
};

/** Waits until the condition holds; what a test waits for never depends on how fast it comes. */
export const until = async (condition: () => boolean, what: string): Promise<void> => {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await sleep(10);
  }
};

/** Subscribes and collects what comes. */
export const collect = async (
  link: Link,
  destination: string,
  headers: Readonly<Record<string, string>> = {},
) => {
  const messages: IncomingMessage[] = [];
  const subscription = await link.subscribe({
    destination,
    headers,
    onMessage: (message) => messages.push(message),
  });
  return { messages, subscription, bodies: () => messages.map(({ body }) => body.toString()) };
};

export const outgoing = (
  destination: string,
  body: string | Uint8Array,
  more: Partial<OutgoingMessage> = {},
): OutgoingMessage => ({
  destination,
  body: typeof body === 'string' ? Buffer.from(body) : body,
  expires: Date.now() + 60_000,
  ...more,
});

let count = 0;

/** A queue or topic name that no other test uses. */
export const unique = (kind: 'queue' | 'topic' = 'queue'): string =>
  `/${kind}/mcollective.t${process.pid}.${++count}`;
