import type { Checklist } from '../../../config/checklist.ts';
import type { KeyPath } from '../../../config/problem.ts';
import type { Pattern } from '../../../envelope/pattern.ts';

/** What is wrong, and how to put it right. */
export interface Lack {
  readonly message: string;
  readonly mend: string;
}

/** A list of patterns in a side's settings that decides whom something is for. */
export interface PatternList {
  /** Below the side. */
  readonly setting: KeyPath;
  readonly patterns: readonly Pattern[];
  /** What happens where a pattern matches more than was meant: `lets in every caller whose name has such a text in it`. */
  readonly risk: string;
  /** Whether a name that merely begins as the pattern does is already one too many. */
  readonly opens: boolean;
}

/** What `mcbridge check` asks of a side. */
export interface SideCheck {
  /**
   * Looks at the files that its settings name.
   * @param now ms since the epoch
   */
  files(list: Checklist, now: number): void;
  readonly patterns: readonly PatternList[];
  /**
   * Why this caller cannot do anything there, as far as settings and names of files tell: come in on an ingress, be
   * signed for on an egress.
   */
  lackFor(caller: string): Lack | undefined;
}

export interface EgressCheck extends SideCheck {
  /** Looks whether the bridge can ask there who is there. */
  asking(list: Checklist): void;
}

/** Callers that only a rule with `privileged: true` may yield. */
export const privilegedPatterns = (patterns: readonly Pattern[]): PatternList => ({
  setting: ['privileged'],
  patterns,
  risk: 'holds every caller privileged whose name has such a text in it',
  opens: false,
});
