import { encodeTransport, nodeSubject } from '../../src/adapters/choria/wire/index.ts';
import type { IncomingMessage, Link, OutgoingMessage } from '../../src/transport/link.ts';
import { createNatsLink } from '../../src/transport/nats/index.ts';

export interface NatsAccess {
  readonly url: string;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** A connection that takes and gives bytes as fast as it can; what it has no room for, it says. */
export const openRawLink = async ({ url, tls }: NatsAccess): Promise<Link> => {
  const link = createNatsLink({
    servers: [url.replace(/^nats:/, 'tls:')],
    name: 'burst',
    tls: { ...tls, verify: true },
    buffer: { maxMessages: 1_000_000, maxBytes: 1024 ** 3 },
    failFast: true,
    onEvent: (event) => {
      if (event.kind !== 'connected') throw new Error(`unexpected: ${JSON.stringify(event)}`);
    },
  });
  await link.open();
  return link;
};

/** How often each destination got something, as it comes. */
export interface Tally {
  readonly count: number;
  readonly bytes: number;
  /** Times by destination. */
  readonly by: ReadonlyMap<string, number>;
}

export const tally = async (link: Link, destination: string): Promise<Tally> => {
  const by = new Map<string, number>();
  const seen = { count: 0, bytes: 0, by };
  await link.subscribe({
    destination,
    onMessage: (message: IncomingMessage) => {
      seen.count++;
      seen.bytes += message.body.length;
      by.set(message.destination, (by.get(message.destination) ?? 0) + 1);
    },
  });
  return seen;
};

/** Base64 as JSON text: data of protocol 1 that nobody opens where requests pass as they are. */
const DATA = JSON.stringify('QUJD'.repeat(875));
const CONTENT = { protocol: 'choria:transport:1', data: DATA, headers: {} };
const EXPIRES = 300_000;

export interface OpaqueBurst {
  readonly cluster: string;
  readonly collective: string;
  readonly requests: number;
  readonly targets: number;
}

const replySubject = (collective: string): string => `${collective}.reply.74ce5a833e16d4afa24ecbc90fff8506`;

/** Requests of 3.7 KB, as clients of a federation send them. */
export const opaqueRequests = ({
  cluster,
  collective,
  requests,
  targets,
}: OpaqueBurst): readonly OutgoingMessage[] => {
  const subjects = Array.from({ length: targets }, (_, i) => nodeSubject(collective, `b${i}.example.net`));
  return Array.from({ length: requests }, (_, n) => ({
    destination: `choria.federation.${cluster}.federation`,
    body: Buffer.from(
      encodeTransport({
        content: CONTENT,
        sender: 'client.mcollective',
        replyTo: `${replySubject(collective)}.${n}`,
        federation: { request: n.toString(16).padStart(32, '0'), targets: subjects },
      }),
    ),
    expires: Date.now() + EXPIRES,
  }));
};

/** Replies to one client, as nodes send them to the brokers of a federation. */
export const opaqueReplies = ({
  cluster,
  collective,
  replies,
}: Pick<OpaqueBurst, 'cluster' | 'collective'> & {
  readonly replies: number;
}): readonly OutgoingMessage[] => {
  const federation = { request: 'f'.repeat(32), home: `${replySubject(collective)}.0` };
  const body = Buffer.from(encodeTransport({ content: CONTENT, sender: 'b1.example.net', federation }));
  const reply = {
    destination: `choria.federation.${cluster}.collective`,
    body,
    expires: Date.now() + EXPIRES,
  };
  return Array.from({ length: replies }, () => reply);
};
