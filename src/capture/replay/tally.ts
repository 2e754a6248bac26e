import { type CassetteMessage, isRejected } from '../file/format.ts';
import type { Change } from './compare.ts';
import { type ComparedMessage, REJECTIONS } from './compared-message.ts';
import type { ReplyPaths } from './reply-paths.ts';
import type { Difference, ReplayResult } from './result.ts';

/** Differences that are kept; those beyond are counted. */
const MAX_DIFFERENCES = 500;

const whatOf = ({ entry, note }: ComparedMessage, replyPaths: ReplyPaths): string =>
  isRejected(entry)
    ? (note ?? `rejected: ${entry.rejected.code}`)
    : replyPaths.withoutToken(entry.destination);

/** What a replay has come to so far. */
export class Tally {
  readonly #replyPaths: ReplyPaths;
  readonly #countsRejections: boolean;
  readonly #differences: Difference[] = [];
  readonly #refused = new Map<string, number>();
  #fed = 0;
  #sent = 0;
  #same = 0;
  #different = 0;
  #unheard = 0;
  #firstUnheard: string | undefined;

  /** @param countsRejections whether one that was not recorded is a difference */
  constructor(replyPaths: ReplyPaths, countsRejections: boolean) {
    this.#replyPaths = replyPaths;
    this.#countsRejections = countsRejections;
  }

  get differs(): boolean {
    return this.#different > 0;
  }

  fed(): void {
    this.#fed++;
  }

  sent(): void {
    this.#sent++;
  }

  refused(code: string): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
  }

  same(): void {
    this.#same++;
  }

  unheard({ side, link, destination }: CassetteMessage, line: number): void {
    this.#unheard++;
    this.#firstUnheard ??= `line ${line}: ${side} ${link} does not listen to ${this.#replyPaths.withoutToken(destination)}`;
  }

  different(
    recorded: ComparedMessage | undefined,
    replayed: ComparedMessage | undefined,
    changes: readonly Change[],
  ): void {
    const item = recorded ?? replayed;
    if (item === undefined) return;
    if (recorded === undefined && item.lane === REJECTIONS && !this.#countsRejections) return;
    this.#different++;
    if (this.#differences.length >= MAX_DIFFERENCES) return;
    const { lane, line, requestId, sender } = item;
    this.#differences.push({
      kind: recorded === undefined ? 'extra' : replayed === undefined ? 'missing' : 'changed',
      lane,
      line,
      what: whatOf(item, this.#replyPaths),
      ...(requestId !== undefined && { requestId }),
      ...(sender !== undefined && { sender }),
      changes,
    });
  }

  totals(): Pick<ReplayResult, 'fed' | 'sent' | 'refused' | 'same' | 'different' | 'differences' | 'notes'> {
    const more = this.#unheard - 1;
    const unheard =
      this.#firstUnheard === undefined
        ? []
        : [
            `${this.#firstUnheard}${more === 0 ? '' : `, and ${more} more messages came where nobody listens`}`,
          ];
    return {
      fed: this.#fed,
      sent: this.#sent,
      refused: Object.fromEntries(this.#refused),
      same: this.#same,
      different: this.#different,
      differences: this.#differences.toSorted((a, b) => a.line - b.line),
      notes: unheard,
    };
  }
}
