import { Rejection } from '../../envelope/rejection.ts';
import type { ByteReader, ByteWriter } from '../bytes.ts';
import { readSmall, writeSmall } from './small-text.ts';

/**
 * The texts of a reply token, each as short as it is known: a tag, then what the tag says.
 *
 *     0 to 63     so many small letters, digits, `.`, `-`, `_` and `/`, three in two bytes
 *     64 to 127   64 less letters, digits, `-` and `_`, in six bits each
 *     128 to 175  128 less bytes of UTF-8
 *     176 to 191  175 less bytes, whose lower-case hex digits are the text
 *     192 to 223  a text that is known or was written before, by its number
 *     224 to 247  a word of the list below, by its number
 *     248 to 250  a server of NATS, of STOMP, of STOMP with TLS: four bytes of its address, two of its port
 *     251 to 253  the same by its name: a text, two bytes of its port
 *     254         the cluster's name, `:`, and a text: one of its bridges in a trail
 *     255         two bytes of length, and so many of UTF-8
 */
const SMALL = 0;
const JOINED = 64;
const UTF8 = 128;
const HEX = 176;
const KNOWN = 192;
const WORD = 224;
const ADDRESS = 248;
const HOST = 251;
const BRIDGE = 254;
const LONG = 255;

/** Part of the layout: another order or another word is another version. */
const WORDS = [
  'go',
  'ruby',
  'legacy',
  'legacy integer',
  'legacy symbol',
  'legacy bytes',
  'discovery',
  'rpcutil',
  'ping',
  'inventory',
  'get_fact',
  'get_facts',
  'mcollective',
  'federation',
  'choria',
  'choria-federation',
  'choria-collective',
  'mcollective-stomp',
] as const;
const NUMBER_OF: ReadonlyMap<string, number> = new Map(WORDS.map((word, number) => [word, number]));

const IN_HEX = /^(?:[0-9a-f]{2}){4,16}$/;
const IS_SMALL = /^[a-z0-9._/-]{0,63}$/;
const IS_JOINED = /^[\w-]{0,63}$/;

const SCHEMES: readonly string[] = ['nats', 'stomp', 'stomp+ssl'];
const SERVER = /^(nats|stomp|stomp\+ssl):\/\/([^:]+):([1-9]\d{0,4})$/;

/** The bytes of an IPv4 address; undefined for what is not written the one way that these are. */
const addressOf = (host: string): readonly number[] | undefined => {
  if (!/^\d/.test(host)) return undefined;
  const parts = host.split('.').map(Number);
  const isOne = parts.length === 4 && parts.join('.') === host;
  return isOne && parts.every((part) => part >= 0 && part <= 0xff && Number.isInteger(part))
    ? parts
    : undefined;
};

const bytesOfJoined = (letters: number): number => Math.ceil((letters * 3) / 4);

/** Writes texts, and what was written before as a reference to it. */
export class TextWriter {
  readonly #writer: ByteWriter;
  readonly #bridges: string;
  readonly #known: string[];

  /** @param known that the reader has too: the cluster's name first */
  constructor(writer: ByteWriter, known: readonly [cluster: string, ...others: string[]]) {
    this.#writer = writer;
    this.#bridges = `${known[0]}:`;
    this.#known = [...known];
  }

  write(text: string): void {
    const number = this.#known.indexOf(text);
    if (number !== -1) this.#writer.byte(KNOWN + number);
    else {
      this.#writeNew(text);
      if (this.#known.length < WORD - KNOWN) this.#known.push(text);
    }
  }

  #writeNew(text: string): void {
    const word = NUMBER_OF.get(text);
    if (word !== undefined) this.#writer.byte(WORD + word);
    else if (text.startsWith(this.#bridges)) {
      this.#writer.byte(BRIDGE);
      this.#writePlain(text.slice(this.#bridges.length));
    } else if (!this.#writeServer(text)) this.#writePlain(text);
  }

  #writeServer(text: string): boolean {
    const [, scheme, host = '', port = ''] = text.includes('://') ? (SERVER.exec(text) ?? []) : [];
    if (scheme === undefined || Number(port) > 0xffff) return false;
    const address = addressOf(host);
    this.#writer.byte((address === undefined ? HOST : ADDRESS) + SCHEMES.indexOf(scheme));
    if (address === undefined) this.#writePlain(host);
    else for (const part of address) this.#writer.byte(part);
    this.#writer.uint16(Number(port));
    return true;
  }

  #writePlain(text: string): void {
    const { length } = text;
    if (IN_HEX.test(text)) {
      this.#writer.byte(HEX - 1 + length / 2);
      this.#writer.encoded(text, length / 2, 'hex');
    } else if (IS_SMALL.test(text)) {
      this.#writer.byte(SMALL + length);
      writeSmall(this.#writer, text);
    } else if (IS_JOINED.test(text)) {
      this.#writer.byte(JOINED + length);
      // Bits of a last byte that is not full are none to a decoder.
      this.#writer.encoded(`${text}AA`, bytesOfJoined(length), 'base64url');
    } else this.#writeBytes(text, Buffer.byteLength(text));
  }

  #writeBytes(text: string, length: number): void {
    if (length < HEX - UTF8) {
      this.#writer.byte(UTF8 + length);
      this.#writer.encoded(text, length, 'utf8');
    } else {
      this.#writer.byte(LONG);
      this.#writer.text(text);
    }
  }
}

/** Reads what {@link TextWriter} wrote. */
export class TextReader {
  readonly #reader: ByteReader;
  readonly #known: string[];

  constructor(reader: ByteReader, known: readonly [cluster: string, ...others: string[]]) {
    this.#reader = reader;
    this.#known = [...known];
  }

  /** @throws Rejection `token_malformed` */
  read(): string {
    const tag = this.#reader.byte();
    if (tag >= KNOWN && tag < WORD) return this.#named(this.#known[tag - KNOWN]);
    const text = this.#readNew(tag);
    if (this.#known.length < WORD - KNOWN) this.#known.push(text);
    return text;
  }

  #readNew(tag: number): string {
    if (tag < WORD || tag === LONG) return this.#readPlain(tag);
    if (tag < ADDRESS) return this.#named(WORDS[tag - WORD]);
    if (tag === BRIDGE) return `${this.#known[0]}:${this.#readPlain(this.#reader.byte())}`;
    const host = tag < HOST ? [...this.#reader.bytes(4)].join('.') : this.#readPlain(this.#reader.byte());
    return `${SCHEMES[(tag - ADDRESS) % SCHEMES.length]}://${host}:${this.#reader.uint16()}`;
  }

  #readPlain(tag: number): string {
    if (tag < JOINED) return readSmall(this.#reader, tag - SMALL);
    if (tag < UTF8) return this.#readJoined(tag - JOINED);
    if (tag < HEX) return this.#reader.bytes(tag - UTF8).toString('utf8');
    if (tag < KNOWN) return this.#reader.bytes(tag - HEX + 1).toString('hex');
    return tag === LONG ? this.#reader.text() : this.#named(undefined);
  }

  #readJoined(count: number): string {
    return this.#reader.bytes(bytesOfJoined(count)).toString('base64url').slice(0, count);
  }

  #named(text: string | undefined): string {
    if (text === undefined) throw new Rejection('token_malformed', 'the reply token names no known text');
    return text;
  }
}
