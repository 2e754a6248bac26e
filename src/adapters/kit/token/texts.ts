import type { ByteReader, ByteWriter } from '../../../codec/bytes.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import { PlainTextReader, PlainTextWriter } from './plain-text.ts';
import { isServerTag, readServer, writeServer } from './servers.ts';

/**
 * The texts of a reply token, each as short as it is known: a tag, then what the tag says.
 *
 *     0 to 63     so many small letters, digits, `.`, `-`, `_` and `/`, three in two bytes
 *     64 to 127   64 less letters, digits, `-` and `_`, in six bits each
 *     128 to 175  128 less bytes of UTF-8
 *     176 to 191  175 less bytes, whose lower-case hex digits are the text
 *     192 to 223  a text that is known or was written before, by its number
 *     224 to 241  a word of the list below, by its number
 *     242         a text, and `.mcollective`: the name of a Choria client
 *     243         a byte, and a text of 0 to 191 or 255: so many characters behind it are those that end the last such
 *                 text with a dot, as the domain of a server does
 *     244 to 246  a server of NATS, of STOMP, of STOMP with TLS, at the usual port: its name, a text
 *     247         a server of NATS without a port: its name, a text
 *     248 to 250  a server of NATS, of STOMP, of STOMP with TLS: four bytes of its address, two of its port
 *     251 to 253  the same by its name: a text, two bytes of its port
 *     254         the cluster's name, `:`, and a text: one of its bridges in a trail
 *     255         two bytes of length, and so many of UTF-8
 *
 * The first bridges of version 3 knew no 242 to 247, and refuse a token with one of these as `token_malformed`.
 */
const KNOWN = 192;
const WORD = 224;
const CLIENT = 242;
const BRIDGE = 254;

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

const CLIENT_SUFFIX = '.mcollective';

/** Writes texts, and what was written before as a reference to it. */
export class TextWriter {
  readonly #writer: ByteWriter;
  readonly #plain: PlainTextWriter;
  readonly #bridges: string;
  readonly #known: string[];

  /** @param known that the reader has too: the cluster's name first */
  constructor(writer: ByteWriter, known: readonly [cluster: string, ...others: string[]]) {
    this.#writer = writer;
    this.#plain = new PlainTextWriter(writer);
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
      this.#plain.write(text.slice(this.#bridges.length));
    } else if (text.endsWith(CLIENT_SUFFIX)) {
      this.#writer.byte(CLIENT);
      this.#plain.write(text.slice(0, -CLIENT_SUFFIX.length));
    } else if (!writeServer(text, this.#writer, this.#plain)) this.#plain.write(text);
  }
}

/** Reads what {@link TextWriter} wrote. */
export class TextReader {
  readonly #reader: ByteReader;
  readonly #plain: PlainTextReader;
  readonly #known: string[];

  constructor(reader: ByteReader, known: readonly [cluster: string, ...others: string[]]) {
    this.#reader = reader;
    this.#plain = new PlainTextReader(reader);
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
    if (tag >= WORD && tag < CLIENT) return this.#named(WORDS[tag - WORD]);
    if (tag === CLIENT) return this.#plain.read() + CLIENT_SUFFIX;
    if (tag === BRIDGE) return `${this.#known[0]}:${this.#plain.read()}`;
    return isServerTag(tag) ? readServer(tag, this.#reader, this.#plain) : this.#plain.read(tag);
  }

  #named(text: string | undefined): string {
    if (text === undefined) throw new Rejection('token_malformed', 'the reply token names no known text');
    return text;
  }
}
