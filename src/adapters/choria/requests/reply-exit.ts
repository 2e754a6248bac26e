import { Rejection } from '../../../envelope/rejection.ts';
import type { Link, OutgoingMessage } from '../../../transport/link.ts';
import { type NotSent, sendVia } from '../../kit/send.ts';
import { parseBridgeReply, parseReplySubject } from '../wire/index.ts';

/** The one way by which replies leave an ingress of Choria's, and so the one place that knows where they may go. */
export interface ReplyExit {
  /**
   * For a request that names such a subject; `send` looks by itself.
   * @throws Rejection `invalid_reply_to` or `collective_not_exported`
   */
  check(subject: string): void;
  /** @throws Rejection what `check` or `sendVia` does */
  send(message: OutgoingMessage, unsent?: NotSent): void;
}

/** @param collectives below which reply subjects lie to which replies are carried */
export const createReplyExit = (link: Link, collectives: ReadonlySet<string>): ReplyExit => {
  let checked: string | undefined;

  const check = (subject: string): void => {
    const { collective } = parseReplySubject(subject);
    // A reply to a request that passes through would come back as one to what the bridge has translated.
    if (parseBridgeReply(subject) !== undefined)
      throw new Rejection(
        'invalid_reply_to',
        'the reply-to is of the form in which the bridge awaits replies',
      );
    if (!collectives.has(collective))
      throw new Rejection(
        'collective_not_exported',
        `its reply-to is in the collective ${collective}, to which no replies are carried here`,
      );
  };

  return {
    check,
    send: (message, unsent) => {
      // The replies to one request come with one subject.
      if (message.destination !== checked) check(message.destination);
      checked = message.destination;
      sendVia(link, message, unsent);
    },
  };
};
