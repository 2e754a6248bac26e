import {
  bodyOf,
  type CassetteEntry,
  type CassetteMessage,
  type CassetteRejected,
  isRejected,
} from '../file/format.ts';
import { isTree, type Meaning, meaningOf } from './meaning.ts';
import type { Ways } from './ways.ts';

/** Where something was done. */
export interface ItemPlace {
  readonly line: number;
  readonly turn: number;
  readonly ways: Ways;
}

/** Something that the bridge did, by the cassette or in the replay. What takes time to find out is found when asked. */
export class Item {
  readonly entry: CassetteMessage | CassetteRejected;
  /** Of the cassette: its own where it was recorded, else that of the message that made the bridge do it. */
  readonly line: number;
  /** The message that came in last before it, counted from 1. */
  readonly turn: number;
  /** Which link it was sent on, or that it is a rejection. */
  readonly lane: string;
  /** In words, where there is more to say. */
  readonly note: string | undefined;
  readonly #ways: Ways;
  #meaning: ReadonlyMap<string, Meaning> | undefined;
  #likeness: string | undefined;
  #exact: string | undefined;

  constructor(entry: CassetteEntry, place: ItemPlace, note?: string) {
    this.entry = entry;
    this.#ways = place.ways;
    this.line = place.line;
    this.turn = place.turn;
    this.note = note;
    this.lane = isRejected(entry) ? REJECTIONS : `${entry.side} ${entry.link}`;
  }

  /** The same for what is the same in each byte. */
  get exact(): string {
    this.#exact ??= isRejected(this.entry) ? exactRejection(this.entry) : exactMessage(this.entry);
    return this.#exact;
  }

  /** As by {@link exact}, for one or two that are compared. */
  isExactly({ entry }: Item): boolean {
    const own = this.entry;
    if (isRejected(own) || isRejected(entry))
      return isRejected(own) && isRejected(entry) && exactRejection(own) === exactRejection(entry);
    return (
      own.text === entry.text &&
      own.base64 === entry.base64 &&
      own.destination === entry.destination &&
      own.reply_to === entry.reply_to &&
      isSameHeaders(own.headers, entry.headers)
    );
  }

  get body(): Buffer {
    return isRejected(this.entry) ? Buffer.alloc(0) : bodyOf(this.entry);
  }

  get meaning(): ReadonlyMap<string, Meaning> {
    this.#meaning ??= isRejected(this.entry)
      ? rejectionMeaning(this.entry)
      : meaningOf(this.entry, this.body, this.#ways);
    return this.#meaning;
  }

  /** The same for what answers the same request at the same place, whatever it says. */
  get likeness(): string {
    this.#likeness ??= isRejected(this.entry)
      ? (this.entry.rejected.request_id ?? '')
      : [
          this.meaning.get('destination'),
          this.entry.headers?.['mc_identity'],
          this.requestId,
          this.sender,
        ].join('\0');
    return this.#likeness;
  }

  get requestId(): string | undefined {
    if (isRejected(this.entry)) return this.entry.rejected.request_id;
    return leaf(this.meaning, REQUEST_ID);
  }

  /** Who it says that it is from. */
  get sender(): string | undefined {
    if (isRejected(this.entry)) return this.entry.rejected.sender;
    return leaf(this.meaning, SENDER);
  }
}

export const REJECTIONS = 'rejections';

const REQUEST_ID: ReadonlySet<string> = new Set([':requestid', 'requestid', 'req']);
const SENDER: ReadonlySet<string> = new Set([':senderid', 'senderid', 'mc_sender']);

/** The first text under one of the names, without the quotes of its format. */
const leaf = (meaning: Meaning, names: ReadonlySet<string>): string | undefined => {
  if (!isTree(meaning)) return undefined;
  for (const [name, value] of meaning) {
    const found =
      names.has(name) && typeof value === 'string' ? value.replace(/^"|"$/g, '') : leaf(value, names);
    if (found !== undefined) return found;
  }
  return undefined;
};

const rejectionMeaning = ({ rejected }: CassetteRejected): ReadonlyMap<string, Meaning> =>
  new Map(
    Object.entries(rejected).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  );

const exactRejection = ({ rejected }: CassetteRejected): string =>
  `${rejected.code}\0${rejected.request_id ?? ''}\0${rejected.sender ?? ''}`;

const isSameHeaders = (a: CassetteMessage['headers'], b: CassetteMessage['headers']): boolean => {
  if (a === undefined || b === undefined) return a === b;
  return headersText(a) === headersText(b);
};

const headersText = (headers: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1)));

const exactMessage = ({ destination, reply_to, headers, text, base64 }: CassetteMessage): string =>
  `${destination}\0${reply_to ?? ''}\0${headers === undefined ? '' : headersText(headers)}\0${text ?? base64}`;
