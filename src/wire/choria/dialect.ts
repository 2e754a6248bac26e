import type { Base64Style } from '../base64.ts';

/**
 * Whose habits a peer of protocol 1 has. Both read most of each other's; what differs is base64 with line feeds,
 * and the bodies of discovery: JSON strings with their quotes in Ruby, `cGluZw==` and a bare `pong` in Go.
 */
export type Dialect = 'ruby' | 'go';

export const isDialect = (text: string): text is Dialect => text === 'ruby' || text === 'go';

export const base64Style = (dialect: Dialect): Base64Style => (dialect === 'ruby' ? 'wrapped' : 'plain');

/** What a message shows of its writer. */
export interface DialectSigns {
  /** Whether the transport's data has line feeds in it. */
  readonly wrapped: boolean;
  /** What the body says, where it says anything; discovery always does. See `decodeRequestBody`. */
  readonly body: Dialect | undefined;
}

/** The body's word counts more: a Go program may send through something that wraps lines, but not the reverse. */
export const detectDialect = (signs: DialectSigns): Dialect => signs.body ?? (signs.wrapped ? 'ruby' : 'go');
