import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { type Link, LinkError, type LinkEvent } from '../../../src/transport/link.ts';
import { createNatsLink } from '../../../src/transport/nats/index.ts';
import { createStompLink } from '../../../src/transport/stomp/index.ts';
import type { TlsSettings } from '../../../src/transport/tls/settings.ts';
import { makeAuthority } from '../../support/pki.ts';
import { start } from '../../support/process.ts';

export const ca = makeAuthority('CA');
export const stranger = makeAuthority('Another CA');
const server = ca.issue({ commonName: 'broker', usages: ['server'] });
export const client = ca.issue({ commonName: 'bridge', usages: ['client'] });
export const serverPair = { key: server.privateKey, cert: server.certificate };

export interface LinkSettings {
  readonly host?: string;
  readonly tls?: TlsSettings;
  readonly user?: string;
  readonly password?: string;
  /** Milliseconds; enough for a busy machine by default. */
  readonly timeout?: number;
  /** Milliseconds between pings of NATS; so many that there are none by default. */
  readonly pingInterval?: number;
}

/** A link, and what it says. */
export interface Tried {
  readonly link: Link;
  /** The first event of this kind, whether it was before the call or comes after it. */
  event<K extends LinkEvent['kind']>(kind: K): Promise<Extract<LinkEvent, { kind: K }>>;
}

/** One of the two kinds of link, and how servers of its protocol begin. */
export interface Side {
  readonly name: 'NATS' | 'STOMP';
  to(port: number, settings?: LinkSettings): Tried;
  /** What a server says before the client does. */
  greet(socket: Socket, isSecure?: boolean): void;
  /** Lets a client in once, and says nothing more. */
  admit(socket: Socket): void;
}

const ends: (() => Promise<void> | void)[] = [];

/** Done by `endAll`, the last one first. */
export const atEnd = (end: () => Promise<void> | void): void => {
  ends.push(end);
};

export const endAll = async (): Promise<void> => {
  for (const end of ends.splice(0).reverse()) await end();
};

const PATIENT = 20_000;

const trying = (make: (onEvent: (event: LinkEvent) => void) => Link): Tried => {
  const events: LinkEvent[] = [];
  const waiting = new Set<() => void>();
  const link = make((event) => {
    events.push(event);
    for (const look of [...waiting]) look();
  });
  atEnd(() => link.close());
  return {
    link,
    event: (kind) =>
      new Promise((resolve) => {
        const look = (): void => {
          const isIt = (event: LinkEvent): event is Extract<LinkEvent, { kind: typeof kind }> =>
            event.kind === kind;
          const found = events.find(isIt);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
};

const nats: Side = {
  name: 'NATS',
  to: (port, { host = '127.0.0.1', timeout = PATIENT, ...settings } = {}) =>
    trying((onEvent) =>
      createNatsLink({
        servers: [`nats://${host}:${port}`],
        name: 'test',
        connectTimeout: timeout,
        closeTimeout: 10,
        pingInterval: 60_000,
        failFast: true,
        onEvent,
        ...settings,
      }),
    ),
  greet: (socket, isSecure = false) => {
    socket.write(
      `INFO {"version":"2.9.10","max_payload":1048576,"tls_required":${isSecure},"tls_verify":${isSecure}}\r\n`,
    );
  },
  admit: (socket) => {
    let said = '';
    socket.on('data', (chunk: Buffer) => {
      const wasIn = said.includes('PING');
      said += chunk.toString('latin1');
      if (!wasIn && said.includes('PING')) socket.write('PONG\r\n');
    });
  },
};

const stomp: Side = {
  name: 'STOMP',
  to: (port, { host = '127.0.0.1', timeout = PATIENT, tls, user, password } = {}) =>
    trying((onEvent) =>
      createStompLink({
        servers: [{ host, port, ...(tls === undefined ? {} : { tls }) }],
        ...(user === undefined ? {} : { login: user }),
        ...(password === undefined ? {} : { passcode: password }),
        vhost: 'mcollective',
        heartbeat: { outgoing: 0, incoming: 10 },
        connectTimeout: timeout,
        closeTimeout: 10,
        failFast: true,
        clock: Date.now,
        onEvent,
      }),
    ),
  greet: () => undefined,
  admit: (socket) => {
    socket.once('data', () => socket.write('CONNECTED\nversion:1.2\nheart-beat:10,0\n\n\0'));
  },
};

export const SIDES: readonly Side[] = [nats, stomp];

/** What the attempt to open fails with. */
export const refusalOf = async ({ link }: Tried): Promise<LinkError> => {
  const error: unknown = await link.open().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof LinkError) return error;
  throw new Error(`no LinkError but ${error === undefined ? 'an open link' : String(error)}`);
};

/** Why a connection ends that had been up. */
export const endOf = async (tried: Tried, act: () => void): Promise<string> => {
  await tried.link.open();
  act();
  return (await tried.event('disconnected')).reason;
};

/** A server on loopback; its port. */
export const serving = async (one: Server): Promise<number> => {
  const sockets = new Set<Socket>();
  one.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
  });
  one.listen(0, '127.0.0.1');
  await once(one, 'listening');
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    one.close();
  });
  const address = one.address();
  if (address === null || typeof address === 'string') throw new Error('listening on no TCP port');
  return address.port;
};

/** A server that does this with whoever connects. */
export const scripted = (act: (socket: Socket) => void): Promise<number> => serving(createServer(act));

/** A server of a protocol, with TLS after its greeting. */
export const securely = (side: Pick<Side, 'greet' | 'admit'>, options: TlsOptions): Promise<number> => {
  const secure = createTlsServer({ ...serverPair, ca: ca.certificate, ...options }, (socket) => {
    socket.on('error', () => socket.destroy());
    side.admit(socket);
  });
  secure.on('tlsClientError', (_, socket) => socket.destroy());
  return scripted((socket) => {
    side.greet(socket, true);
    secure.emit('connection', socket);
  });
};

/** A server that lets clients in; `each` does something to every connection. */
export const admitting = async (
  side: Side,
): Promise<{ readonly port: number; readonly each: (act: (socket: Socket) => void) => void }> => {
  const sockets: Socket[] = [];
  const port = await scripted((socket) => {
    sockets.push(socket);
    side.greet(socket);
    side.admit(socket);
  });
  return { port, each: (act) => sockets.forEach(act) };
};

/** OpenSSL's own server (`-www`: without it, it heeds its stdin), which demands certificates of the CA and says what it has against them. Its port. */
export const startOpenSsl = async (folder: string): Promise<number> => {
  const files = ['-cert', `${folder}/cert.pem`, '-key', `${folder}/key.pem`, '-CAfile', `${folder}/ca.pem`];
  const openssl = start('openssl', [
    's_server',
    ...['-accept', '127.0.0.1:0', '-Verify', '2', '-verify_return_error', '-www'],
    ...files,
  ]);
  atEnd(() => openssl.stop());
  await openssl.waitFor(/ACCEPT 127\.0\.0\.1:\d+/, PATIENT);
  return Number(/ACCEPT 127\.0\.0\.1:(\d+)/.exec(openssl.log())?.[1]);
};

/** A thread with a server of its own, which goes on while this one waits or which waits itself. */
export const thread = async (code: string, shared: SharedArrayBuffer): Promise<number> => {
  const worker = new Worker(code, { eval: true, workerData: shared });
  atEnd(async () => {
    await worker.terminate();
  });
  const [port]: unknown[] = await once(worker, 'message');
  return Number(port);
};
