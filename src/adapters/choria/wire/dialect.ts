import type { Base64Style } from '../../../codec/base64.ts';

/**
 * Whose habits a peer of protocol 1 has. Both read most of each other's; what differs is base64 with line feeds, the
 * bodies of discovery (JSON strings with their quotes in Ruby, `cGluZw==` and a bare `pong` in Go), and the action,
 * which Go's replies name and Ruby's do not.
 */
export type Dialect = 'ruby' | 'go';

export const isDialect = (text: string): text is Dialect => text === 'ruby' || text === 'go';

export const base64Style = (dialect: Dialect): Base64Style => (dialect === 'ruby' ? 'wrapped' : 'plain');

export const repliesNameAction = (dialect: Dialect): boolean => dialect === 'go';

/** What a message shows of its writer. */
export interface DialectSigns {
  /** Whether the transport's data has line feeds in it. */
  readonly wrapped: boolean;
  /** What the body says, where it says anything; discovery always does. See `decodeRequestBody`. */
  readonly body: Dialect | undefined;
}

/** The body's word counts more: a Go program may send through something that wraps lines, but not the reverse. */
export const detectDialect = (signs: DialectSigns): Dialect => signs.body ?? (signs.wrapped ? 'ruby' : 'go');
