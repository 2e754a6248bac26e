import { once } from 'node:events';
import { connect } from 'node:net';

export interface StompMessage {
  readonly destination: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The next message of a subscription that has not been taken yet, waiting for it if need be. */
export type Next = () => Promise<StompMessage>;

/** Anybody who may log in to a STOMP broker, independent of the bridge's code: reads and writes what it likes. */
export interface StompClient {
  /** Resolves once the broker has the subscription. */
  subscribe(destination: string, headers?: Readonly<Record<string, string>>): Promise<Next>;
  /** Resolves once the broker has the message. */
  send(destination: string, body: Uint8Array, headers?: Readonly<Record<string, string>>): Promise<void>;
  close(): void;
}

interface Frame {
  readonly command: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const WAIT_MS = 60_000;
const HEAD_END = Buffer.from('\n\n');

/** The first whole frame of a buffer, and where it ends. Headers of STOMP 1.0 are not escaped. */
const readFrame = (buffer: Buffer): { readonly frame: Frame; readonly end: number } | undefined => {
  const headEnd = buffer.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const [command = '', ...lines] = buffer.subarray(0, headEnd).toString().trimStart().split('\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
  const start = headEnd + HEAD_END.length;
  const length = headers['content-length'];
  const end = length === undefined ? buffer.indexOf(0, start) : start + Number(length);
  if (end < 0 || end >= buffer.length) return undefined;
  return { frame: { command, headers, body: buffer.subarray(start, end) }, end: end + 1 };
};

interface Inbox {
  readonly waiting: StompMessage[];
  wake: (() => void) | undefined;
}

export const connectStompClient = async (account: {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}): Promise<StompClient> => {
  const socket = connect(account.port, '127.0.0.1');
  await once(socket, 'connect');
  const inboxes = new Map<string, Inbox>();
  const receipts = new Map<string, () => void>();
  let trouble = '';
  let serial = 0;
  let connected = (): void => undefined;
  let buffer: Buffer = Buffer.alloc(0);

  const handle = ({ command, headers, body }: Frame): void => {
    if (command === 'CONNECTED') connected();
    if (command === 'RECEIPT') receipts.get(headers['receipt-id'] ?? '')?.();
    if (command === 'ERROR') trouble = `${headers['message']} ${body}`;
    const inbox = inboxes.get(headers['subscription'] ?? '');
    if (command !== 'MESSAGE' || inbox === undefined) return;
    inbox.waiting.push({ destination: headers['destination'] ?? '', headers, body: Buffer.from(body) });
    inbox.wake?.();
  };
  socket.on('data', (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (let read = readFrame(buffer); read !== undefined; read = readFrame(buffer)) {
      buffer = buffer.subarray(read.end);
      handle(read.frame);
    }
  });
  socket.on('error', (error) => {
    trouble = error.message;
  });

  const write = (command: string, headers: Readonly<Record<string, string>>, body?: Uint8Array): void => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
    socket.write(
      Buffer.concat([
        Buffer.from(`${command}\n${lines.join('')}\n`),
        body ?? Buffer.alloc(0),
        Buffer.alloc(1),
      ]),
    );
  };
  const inTime = (what: string, start: (resolve: () => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`STOMP: no ${what} (${trouble})`)), WAIT_MS);
      start(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  const confirmed = (command: string, headers: Readonly<Record<string, string>>, body?: Uint8Array) =>
    inTime(`receipt of ${command}`, (resolve) => {
      const receipt = `receipt-${++serial}`;
      receipts.set(receipt, resolve);
      write(command, { ...headers, receipt }, body);
    });

  await inTime('CONNECTED', (resolve) => {
    connected = resolve;
    write('CONNECT', { login: account.user, passcode: account.password });
  });
  return {
    subscribe: async (destination, headers = {}) => {
      const id = `subscription-${++serial}`;
      const inbox: Inbox = { waiting: [], wake: undefined };
      inboxes.set(id, inbox);
      await confirmed('SUBSCRIBE', { destination, id, ...headers });
      return async () => {
        if (inbox.waiting.length === 0)
          await inTime(`message to ${destination}`, (resolve) => {
            inbox.wake = resolve;
          });
        const [message] = inbox.waiting.splice(0, 1);
        if (message === undefined) throw new Error('two wait for one message');
        return message;
      };
    },
    send: (destination, body, headers = {}) =>
      confirmed('SEND', { destination, 'content-length': String(body.length), ...headers }, body),
    close: () => socket.destroy(),
  };
};
