import type { ReadableReplyAddress } from '../../envelope/message.ts';
import type { Undelivered } from '../../envelope/port.ts';
import { Rejection, type RejectionCode } from '../../envelope/rejection.ts';
import { type Link, LinkError, type LinkErrorCode, type OutgoingMessage } from '../../transport/link.ts';

/** What of a link's vocabulary concerns one message; the rest is about what cannot be said to the broker. */
const CODES: Readonly<Partial<Record<LinkErrorCode, RejectionCode>>> = {
  overloaded: 'overloaded',
  closed: 'draining',
  too_large: 'too_large',
  expired: 'expired',
  protocol: 'invalid_target',
  refused: 'not_permitted',
  unreachable: 'far_side_failed',
  tls: 'far_side_failed',
};

const toRejection = (error: LinkError, message: string = error.message): Rejection =>
  new Rejection(CODES[error.code] ?? 'internal', message, {}, { cause: error });

/** Told later, and at most once, that so many of all messages, which the link had taken, did not go out. */
export type NotSent = (rejection: Rejection, count: number, total: number) => void;

/** Made here, so that it holds nothing else of the request that waits. */
export const notSentTo =
  (undelivered: Undelivered | undefined, home: ReadableReplyAddress): NotSent =>
  (rejection, count, total) =>
    undelivered?.(rejection, count < total ? 'some' : 'all', home);

const known = (error: unknown): unknown => (error instanceof LinkError ? toRejection(error) : error);

/**
 * Hands a link one message, in the vocabulary of messages.
 * @throws Rejection `overloaded`, `draining`, `too_large` or `invalid_target`
 */
export const sendVia = (link: Link, message: OutgoingMessage, notSent?: NotSent): void => {
  const unsent = notSent && ((error: LinkError) => notSent(toRejection(error), 1, 1));
  try {
    link.send(message, unsent);
  } catch (error) {
    throw known(error);
  }
};

/**
 * Hands a link all messages of one request. All are taken or none.
 * @throws Rejection as {@link sendVia}
 */
export const sendAllVia = (link: Link, messages: readonly OutgoingMessage[], notSent?: NotSent): void => {
  const [first] = messages;
  if (first === undefined) return;
  const total = messages.length;
  if (total === 1) {
    sendVia(link, first, notSent);
    return;
  }
  const unsent =
    notSent &&
    ((error: LinkError, count: number) => {
      const part = count < total ? `only ${total - count} of its ${total} messages went out: ` : '';
      notSent(toRejection(error, part + error.message), count, total);
    });
  try {
    link.sendAll(messages, unsent);
  } catch (error) {
    throw known(error);
  }
};
