import { Rejection } from '../envelope/rejection.ts';
import { type Link, LinkError, type OutgoingMessage } from '../transport/link.ts';

/**
 * Hands a message to a link, in the vocabulary of messages.
 * @throws Rejection `overloaded`, `draining` or `too_large`
 */
export const sendVia = (link: Link, message: OutgoingMessage): void => {
  try {
    link.send(message);
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    const code =
      error.code === 'overloaded' ? 'overloaded' : error.code === 'closed' ? 'draining' : 'too_large';
    throw new Rejection(code, error.message, {}, { cause: error });
  }
};
