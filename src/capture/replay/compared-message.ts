import {
  bodyOf,
  type CassetteEntry,
  type CassetteMessage,
  type CassetteRejected,
  isRejected,
} from '../file/format.ts';
import { isTree, type Normalized, normalize } from './normalize.ts';
import type { ReplyPaths } from './reply-paths.ts';

/** Where something was done. */
export interface ComparedPlace {
  readonly line: number;
  readonly turn: number;
  readonly replyPaths: ReplyPaths;
}

/** Something that the bridge did, by the cassette or in the replay. What takes time to find out is found when asked. */
export class ComparedMessage {
  readonly entry: CassetteMessage | CassetteRejected;
  /** Of the cassette: its own where it was recorded, else that of the message that made the bridge do it. */
  readonly line: number;
  /** The message that came in last before it, counted from 1. */
  readonly turn: number;
  /** Which link it was sent on, or that it is a rejection. */
  readonly lane: string;
  /** In words, where there is more to say. */
  readonly note: string | undefined;
  readonly #replyPaths: ReplyPaths;
  #normalized: ReadonlyMap<string, Normalized> | undefined;
  #matchKey: string | undefined;
  #exact: string | undefined;

  constructor(entry: CassetteEntry, place: ComparedPlace, note?: string) {
    this.entry = entry;
    this.#replyPaths = place.replyPaths;
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
  isExactly({ entry }: ComparedMessage): boolean {
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

  get normalized(): ReadonlyMap<string, Normalized> {
    this.#normalized ??= isRejected(this.entry)
      ? normalizedRejection(this.entry)
      : normalize(this.entry, this.body, this.#replyPaths);
    return this.#normalized;
  }

  /** The same for what answers the same request at the same place, whatever it says. */
  get matchKey(): string {
    this.#matchKey ??= isRejected(this.entry)
      ? (this.entry.rejected.request_id ?? '')
      : [
          this.normalized.get('destination'),
          this.entry.headers?.['mc_identity'],
          this.requestId,
          this.sender,
        ].join('\0');
    return this.#matchKey;
  }

  get requestId(): string | undefined {
    if (isRejected(this.entry)) return this.entry.rejected.request_id;
    return leaf(this.normalized, REQUEST_ID);
  }

  /** Who it says that it is from. */
  get sender(): string | undefined {
    if (isRejected(this.entry)) return this.entry.rejected.sender;
    return leaf(this.normalized, SENDER);
  }
}

export const REJECTIONS = 'rejections';

const REQUEST_ID: ReadonlySet<string> = new Set([':requestid', 'requestid', 'req']);
const SENDER: ReadonlySet<string> = new Set([':senderid', 'senderid', 'mc_sender']);

/** The first text under one of the names, without the quotes of its format. */
const leaf = (normalized: Normalized, names: ReadonlySet<string>): string | undefined => {
  if (!isTree(normalized)) return undefined;
  for (const [name, value] of normalized) {
    const found =
      names.has(name) && typeof value === 'string' ? value.replace(/^"|"$/g, '') : leaf(value, names);
    if (found !== undefined) return found;
  }
  return undefined;
};

const normalizedRejection = ({ rejected }: CassetteRejected): ReadonlyMap<string, Normalized> =>
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
