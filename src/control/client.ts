import { createInterface } from 'node:readline';
import { errorText } from '../envelope/text.ts';
import { OrderRefused, type Told, told } from './protocol.ts';
import { reach, SocketError } from './unix-socket.ts';

export interface AskOptions {
  /** The control socket. */
  readonly file: string;
  /** `{ order: 'reload', … }` */
  readonly order: { readonly order: string; readonly [key: string]: unknown };
  /** Told of each line before the answer. */
  readonly onLine?: (line: unknown) => void;
  /** Ends the asking. */
  readonly signal?: AbortSignal;
  /** How long nothing may come from the bridge before it counts as one that does not answer, in ms. */
  readonly timeoutMs?: number;
}

/** A bridge whose process hangs or is stopped takes the connection, and says nothing. */
const TIMEOUT_MS = 10_000;

const parse = (line: string, file: string): Told => {
  try {
    return told.parse(JSON.parse(line));
  } catch (error) {
    throw new SocketError(`what answers at ${file} is no bridge: ${errorText(error)}`, { cause: error });
  }
};

/**
 * Gives a running bridge an order.
 * @returns its answer
 * @throws SocketError where nobody answers
 * @throws OrderRefused
 */
export const ask = async ({
  file,
  order,
  onLine,
  signal,
  timeoutMs = TIMEOUT_MS,
}: AskOptions): Promise<unknown> => {
  const socket = await reach(file);
  if (socket === undefined)
    throw new SocketError(`nobody answers at ${file}: does the bridge run, and is this its control socket?`);
  let broken: Error | undefined;
  socket.on('error', (error) => {
    broken = error;
  });
  const end = (): void => void socket.destroy();
  signal?.addEventListener('abort', end);
  socket.setTimeout(timeoutMs, () => {
    broken = new Error(`nothing came for ${timeoutMs / 1_000} s`);
    end();
  });
  try {
    socket.write(`${JSON.stringify(order)}\n`);
    const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY });
    // Of a connection that breaks, or is ended here, it would wait for the end forever.
    socket.once('close', () => lines.close());
    for await (const line of lines) {
      const said = parse(line, file);
      if ('answer' in said) return said.answer;
      if ('refused' in said) throw new OrderRefused(said.refused);
      onLine?.(said.line);
    }
  } finally {
    signal?.removeEventListener('abort', end);
    socket.destroy();
  }
  const why = broken === undefined ? 'the connection was closed' : broken.message;
  throw new SocketError(`the bridge at ${file} has not answered: ${why}`);
};
