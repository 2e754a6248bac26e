import type { BridgeObserver, Refusal, Stage } from '../../envelope/observer.ts';
import type { RejectionCode } from '../../envelope/rejection.ts';
import { cut, MAX_SENTENCE_BYTES, own } from '../../envelope/text.ts';

/** One refusal, with what the message says of itself. */
export interface LastRefusal {
  /** Ms since the epoch. */
  readonly at: number;
  readonly stage: Stage;
  readonly sentence: string;
  readonly flow?: string;
  readonly request_id?: string;
  readonly sender?: string;
  readonly caller?: string;
  readonly agent?: string;
  readonly collective?: string;
}

/** Those of one reason. */
export interface RefusalsOf {
  readonly reason: RejectionCode;
  readonly count: number;
  /** The newest first. */
  readonly last: readonly LastRefusal[];
}

/** Whoever sends many of one kind takes no other kind's place. */
const MAX_REFUSALS_OF_A_REASON = 3;

/** What no terminal shows as it is, or what steers one. */
const UNSHOWN = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** What a stranger wrote, cut, so that it steers no terminal, and apart from its message. */
const inert = (text: string, most?: number): string =>
  own(cut(text, most).replace(UNSHOWN, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`));

/** The last refusals, by their reasons: few of each, and their texts are cut. */
export class LastRefusals implements Pick<BridgeObserver, 'refused'> {
  readonly #clock: () => number;
  readonly #reasons = new Map<RejectionCode, { count: number; readonly last: LastRefusal[] }>();

  /** @param clock ms since the epoch */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  refused({ code, stage, sentence, context }: Refusal): void {
    const known = this.#reasons.get(code) ?? { count: 0, last: [] };
    this.#reasons.set(code, known);
    known.count++;
    const { flow, requestId, sender, caller, agent, collective } = context;
    const texts = { flow, request_id: requestId, sender, caller, agent, collective };
    const kept = Object.entries(texts).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, inert(text)]],
    );
    known.last.unshift({
      at: this.#clock(),
      stage,
      sentence: inert(sentence, MAX_SENTENCE_BYTES),
      ...Object.fromEntries(kept),
    });
    known.last.splice(MAX_REFUSALS_OF_A_REASON);
  }

  /** The reason with the newest one first. */
  all(): readonly RefusalsOf[] {
    return [...this.#reasons]
      .map(([reason, { count, last }]) => ({ reason, count, last: [...last] }))
      .toSorted((a, b) => (b.last[0]?.at ?? 0) - (a.last[0]?.at ?? 0));
  }
}
