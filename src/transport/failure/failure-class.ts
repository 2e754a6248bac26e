import type { LinkErrorCode } from '../link.ts';

/** One cause of a failing link: its class, what is said of it, and what to do about it. */
export interface Failure {
  readonly code: LinkErrorCode;
  /** `{detail}` is what is known of the single case; names in braces are those of settings and of the protocol. */
  readonly sentence: string;
  readonly hint: string;
}

/** What an old broker may need. */
export const WEAKER = '{minVersion}: TLSv1 and {ciphers}: "DEFAULT@SECLEVEL=0"';
