import { delegateLink } from '../../../src/transport/delegate-link.ts';
import { type Link, LinkError, type LinkEvent, type OutgoingMessage } from '../../../src/transport/link.ts';
import { createNatsLink } from '../../../src/transport/nats/link.ts';
import type { NatsLinkOptions } from '../../../src/transport/nats/options.ts';
import type { NatsServer } from '../../support/nats-server.ts';
import { makeAuthority } from '../../support/pki.ts';

export const authority = makeAuthority('NATS CA');
const server = authority.issue({ commonName: 'nats.example.net', usages: ['server'] });
const client = authority.issue({ commonName: 'bridge.example.net', usages: ['client'] });

/** TLS for a server that demands certificates of `authority`. */
export const serverTls = { ca: authority.certificate, cert: server.certificate, key: server.privateKey };
export const clientTls = {
  ca: authority.certificate,
  cert: client.certificate,
  key: client.privateKey,
  verify: true,
};

export interface RecordedLink extends Link {
  readonly events: LinkEvent[];
  /** The events of one kind. */
  of<K extends LinkEvent['kind']>(kind: K): readonly Extract<LinkEvent, { readonly kind: K }>[];
}

const opened = new Set<Link>();

export const linkTo = (
  servers: readonly (NatsServer | string)[],
  options: Partial<NatsLinkOptions> = {},
): RecordedLink => {
  const events: LinkEvent[] = [];
  const link = createNatsLink({
    servers: servers.map((one) => (typeof one === 'string' ? one : one.url)),
    name: 'test',
    backoff: { initial: 50, max: 200 },
    closeTimeout: 1000,
    onEvent: (event) => events.push(event),
    ...options,
  });
  opened.add(link);
  const isOf =
    <K extends LinkEvent['kind']>(kind: K) =>
    (event: LinkEvent): event is Extract<LinkEvent, { readonly kind: K }> =>
      event.kind === kind;
  return {
    events,
    of: (kind) => events.filter(isOf(kind)),
    ...delegateLink(link),
  };
};

/** For afterEach: no link outlives its test. */
export const closeLinks = async (): Promise<void> => {
  await Promise.all([...opened].map((link) => link.close()));
  opened.clear();
};

export const message = (
  destination: string,
  body: string | Uint8Array,
  options: Partial<OutgoingMessage> = {},
): OutgoingMessage => ({
  destination,
  body: Buffer.from(body),
  expires: Date.now() + 60_000,
  ...options,
});

/** What a promise rejected with, or a function threw; a LinkError or the test fails. */
export const linkErrorOf = async (attempt: () => unknown): Promise<LinkError> => {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof LinkError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

/** Bodies as text, as they arrive. */
export const listen = async (link: Link, destination: string, group?: string): Promise<string[]> => {
  const bodies: string[] = [];
  await link.subscribe({
    destination,
    ...(group === undefined ? {} : { group }),
    onMessage: ({ body }) => bodies.push(body.toString()),
  });
  return bodies;
};
