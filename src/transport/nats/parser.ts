import { quoted } from '../../envelope/text.ts';
import { LinkError } from '../link.ts';

/** One command of the server. See docs.nats.io, "NATS Protocol"; `HMSG` is ADR-4. */
export interface ServerCommands {
  message(message: ServerMessage): void;
  info(json: string): void;
  ping(): void;
  pong(): void;
  /** What `-ERR` says, without its quotes. */
  error(text: string): void;
}

export interface ServerMessage {
  readonly subject: string;
  /** The number that this side gave to its subscription. */
  readonly subscription: string;
  readonly reply: string | undefined;
  /** The block of headers as it came. */
  readonly headers: Buffer | undefined;
  readonly body: Buffer;
}

const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;
/** An INFO with all servers of a large cluster is far below this, and so is every other line. */
const MAX_LINE = 1024 * 1024;
/** No server allows more (nats-server's `MAX_PAYLOAD_MAX_SIZE`); headers count. */
const MAX_MESSAGE = 64 * 1024 * 1024;

const size = (text: string | undefined): number => {
  const bytes = text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  if (bytes > MAX_MESSAGE)
    throw new LinkError('protocol', 'the NATS server announces a message of no valid size');
  return bytes;
};

/** Cuts what comes from a NATS server into commands. Bodies are views of the chunks that they came in. */
export class NatsParser {
  readonly #commands: ServerCommands;
  #parts: Buffer[] = [];
  #held = 0;
  /** Bytes from the first held one that have to be there before it is worth looking again. */
  #wanted = 1;

  constructor(commands: ServerCommands) {
    this.#commands = commands;
  }

  /** @throws LinkError `protocol` for what no NATS server says */
  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#wanted) return;
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts, this.#held);
    let at = 0;
    while (at < bytes.length) {
      const end = bytes.indexOf(LINE_FEED, at);
      this.#wanted = end === -1 ? bytes.length - at + 1 : this.#command(bytes, at, end);
      if (at + this.#wanted > bytes.length) break;
      at += this.#wanted;
    }
    if (at === bytes.length) this.#wanted = 1;
    else if (bytes.length - at > MAX_LINE && this.#wanted === bytes.length - at + 1)
      throw new LinkError('protocol', 'the NATS server sends a line without an end');
    this.#parts = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#held = bytes.length - at;
  }

  /** @returns the length of the command that begins at `start`, which was handled if all of it is there */
  #command(bytes: Buffer, start: number, end: number): number {
    const line = bytes.toString('utf8', start, bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end);
    const space = line.search(/[ \t]/);
    const name = (space === -1 ? line : line.slice(0, space)).toUpperCase();
    const rest = space === -1 ? '' : line.slice(space + 1).trim();
    switch (name) {
      case 'MSG':
      case 'HMSG':
        return this.#message(bytes, start, end + 1, name === 'HMSG', rest.split(/[ \t]+/));
      case 'PING':
        this.#commands.ping();
        break;
      case 'PONG':
        this.#commands.pong();
        break;
      case 'INFO':
        this.#commands.info(rest);
        break;
      case '-ERR':
        this.#commands.error(rest.replace(/^'(.*)'$/, '$1'));
        break;
      case '+OK':
      case '':
        break;
      default:
        throw new LinkError('protocol', `${quoted(name.slice(0, 16))} is no command of a NATS server`);
    }
    return end + 1 - start;
  }

  /** `MSG subject sid [reply] bytes`, `HMSG subject sid [reply] header-bytes bytes`, then as many bytes and CR LF */
  #message(
    bytes: Buffer,
    start: number,
    from: number,
    hasHeaders: boolean,
    fields: readonly string[],
  ): number {
    const [subject = '', subscription = ''] = fields;
    const sizes = hasHeaders ? 2 : 1;
    if (fields.length !== 2 + sizes && fields.length !== 3 + sizes)
      throw new LinkError('protocol', 'the NATS server announces a message that cannot be read');
    const total = size(fields.at(-1));
    const headers = hasHeaders ? size(fields.at(-2)) : 0;
    if (headers > total)
      throw new LinkError('protocol', 'the NATS server announces headers longer than their message');
    const to = from + total;
    if (to + 2 <= bytes.length) {
      if (bytes[to] !== CARRIAGE_RETURN || bytes[to + 1] !== LINE_FEED)
        throw new LinkError('protocol', 'the NATS server sends a message longer than it announced');
      this.#commands.message({
        subject,
        subscription,
        reply: fields.length === 3 + sizes ? fields[2] : undefined,
        headers: hasHeaders ? bytes.subarray(from, from + headers) : undefined,
        body: bytes.subarray(from + headers, to),
      });
    }
    return to + 2 - start;
  }
}
