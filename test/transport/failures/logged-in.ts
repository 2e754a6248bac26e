import type { Socket } from 'node:net';
import { LinkError } from '../../../src/transport/link.ts';
import { type ActiveMq, startActiveMq } from '../../support/activemq.ts';
import { type NatsServer, type NatsServerOptions, startNatsServer } from '../../support/nats-server.ts';
import { admitting, atEnd, endOf, type LinkSettings, refusalOf, scripted, type Tried } from './bench.ts';
import { both, type Maker, type Makers } from './makers.ts';

let activemq: Promise<ActiveMq> | undefined;

/** One for all, as it takes seconds to start. Groups: `write` may publish to a.>, and create nothing. */
const broker = (): Promise<ActiveMq> => {
  activemq ??= startActiveMq({
    users: [
      { name: 'bridge', password: 'known to both', groups: ['bridges', 'everyone'] },
      { name: 'admin', password: 'x', groups: ['admins', 'everyone'] },
    ],
    acls: [
      { queue: '>', read: 'admins', write: 'admins', admin: 'admins' },
      { topic: '>', read: 'admins', write: 'admins', admin: 'admins' },
      { queue: 'uncreated', read: 'bridges', write: 'bridges', admin: 'admins' },
      { queue: 'open', read: 'bridges', write: 'bridges', admin: 'bridges' },
      { topic: 'ActiveMQ.Advisory.>', read: 'everyone', write: 'everyone', admin: 'everyone' },
    ],
    connectorQuery: 'wireFormat.maxDataLength=100000',
  });
  return activemq;
};

export const stopBroker = async (): Promise<void> => {
  const running = activemq;
  activemq = undefined;
  await (await running)?.stop();
};

const realNats = async (options: NatsServerOptions): Promise<NatsServer> => {
  const server = await startNatsServer(options);
  atEnd(() => server.stop());
  return server;
};

const ONE_USER = { extra: 'authorization { user: bridge, password: "known to both" }' };
const BRIDGE = { user: 'bridge', password: 'known to both' };

/** The real broker's answer to a login. */
const loggingIn = (account: { readonly user?: string; readonly password?: string }): Makers => ({
  NATS: async (side) => refusalOf(side.to((await realNats(ONE_USER)).port, account)),
  STOMP: async (side) => refusalOf(side.to((await broker()).port, account)),
});

/** A server's word to a login, in place of consent. */
const answering =
  (text: string): Maker =>
  async (side) =>
    refusalOf(
      side.to(
        await scripted((socket) => {
          side.greet(socket);
          socket.once('data', () => socket.end(text));
        }),
      ),
    );

/** What happens to a connection that stands. */
const then =
  (act: (socket: Socket) => void, settings: LinkSettings = {}): Maker =>
  async (side) => {
    const { port, each } = await admitting(side);
    return endOf(side.to(port, settings), () => each(act));
  };

const saying = (text: string): Maker => then((socket) => socket.end(text));

/** What the real broker says to an act of a client that it has let in. */
const denied = async (tried: Tried, act: (tried: Tried) => void): Promise<LinkError> => {
  await tried.link.open();
  act(tried);
  return (await tried.event('denied')).error;
};

const subscribing =
  (destination: string, headers: Readonly<Record<string, string>> = {}) =>
  ({ link }: Tried): void => {
    void link.subscribe({ destination, headers, onMessage: () => undefined }).catch(() => undefined);
  };

const publishing =
  (destination: string, bytes = 1) =>
  ({ link }: Tried): void =>
    link.send({ destination, body: Buffer.alloc(bytes), expires: Number.POSITIVE_INFINITY });

const atBroker =
  (act: (tried: Tried) => void): Maker =>
  async (side) =>
    denied(side.to((await broker()).port, BRIDGE), act);

const RESTRICTED = {
  extra: `authorization { users: [ { user: bridge, password: "known to both",
    permissions: { publish: "allowed", subscribe: "allowed" } } ] }`,
};

const atNats =
  (act: (tried: Tried) => void): Maker =>
  async (side) =>
    denied(side.to((await realNats(RESTRICTED)).port, BRIDGE), act);

export const LOGGED_IN = {
  'login-refused': loggingIn({ user: 'bridge', password: 'wrong' }),
  'login-missing': loggingIn({}),
  'login-late': { NATS: answering("-ERR 'Authentication Timeout'\r\n") },
  'login-expired': {
    NATS: [
      answering("-ERR 'User Authentication Expired'\r\n"),
      answering("-ERR 'User Authentication Revoked'\r\n"),
      saying("-ERR 'Account Authentication Expired'\r\n"),
    ],
  },
  'too-many-connections': {
    NATS: [
      async (side) => {
        const { port } = await realNats({ extra: 'max_connections: 1' });
        await side.to(port).link.open();
        return refusalOf(side.to(port));
      },
      answering("-ERR 'maximum account active connections exceeded'\r\n"),
    ],
    STOMP: answering('ERROR\nmessage:Exceeded the maximum number of allowed client connections\n\n\0'),
  },
  'too-many-subscriptions': {
    NATS: async (side) => {
      const tried = side.to((await realNats({ extra: 'max_subscriptions: 1' })).port);
      return denied(tried, () => {
        for (const subject of ['first', 'second']) subscribing(subject)(tried);
      });
    },
  },
  // What a STOMP broker has against a client, but its credentials.
  'not-let-in': { STOMP: answering('ERROR\nmessage:Bad CONNECT\n\nVirtual host unknown\n\0') },
  'may-not-subscribe': {
    NATS: atNats(subscribing('forbidden')),
    STOMP: [atBroker(subscribing('/queue/forbidden')), atBroker(subscribing('/topic/forbidden'))],
  },
  'may-not-publish': {
    NATS: atNats(publishing('forbidden')),
    STOMP: atBroker(publishing('/queue/forbidden')),
  },
  'may-not-create': {
    STOMP: [atBroker(publishing('/queue/uncreated')), atBroker(subscribing('/queue/uncreated'))],
  },
  'bad-subscription': { STOMP: atBroker(subscribing('/queue/open', { selector: 'this is none' })) },
  unconfirmed: both(async (side) => {
    const { port } = await admitting(side);
    const { link } = side.to(port, { timeout: 1_000 });
    await link.open();
    const error: unknown = await link.prove?.({ kind: 'publish', destination: 'anything' }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return error instanceof LinkError ? error : 'proved';
  }),
  'too-large': {
    NATS: [
      saying("-ERR 'Maximum Payload Violation'\r\n"),
      saying("-ERR 'maximum control line exceeded'\r\n"),
    ],
    STOMP: async (side) => {
      const tried = side.to((await broker()).port, BRIDGE);
      await tried.link.open();
      publishing('/queue/open', 200_000)(tried);
      return (await tried.event('disconnected')).reason;
    },
  },
  'too-slow': { NATS: saying("-ERR 'Slow Consumer'\r\n") },
  'gone-silent': {
    NATS: [then(() => undefined, { pingInterval: 100 }), saying("-ERR 'Stale Connection'\r\n")],
    STOMP: then(() => undefined),
  },
  'shutting-down': { NATS: saying("-ERR 'Server Shutdown'\r\n") },
  lost: both(then((socket) => socket.end())),
  reset: both(then((socket) => socket.resetAndDestroy())),
  reported: {
    NATS: [saying("-ERR 'Parser Error'\r\n"), answering("-ERR 'Unknown Protocol Operation'\r\n")],
    STOMP: saying('ERROR\nmessage:The moon is full\n\n\0'),
  },
} as const satisfies Readonly<Record<string, Makers>>;
