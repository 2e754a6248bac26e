import type { Hop, ReadableReply } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import type { Link, OutgoingMessage } from '../../../transport/link.ts';
import { type NotSent, sendVia } from '../../kit/send.ts';
import {
  base64Style,
  type Dialect,
  encodeProtocol2Reply,
  encodeReply,
  encodeReplyBody,
  encodeSecureReply,
  encodeTransport,
  isDialect,
  parseBridgeReply,
  parseReplySubject,
  transportContent,
  type WireReply,
} from '../wire/index.ts';

/** All replies of an ingress of Choria's leave by it: it alone knows where they may go. */
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

/** The dialect in the reply address of a request of protocol 2. */
export const PROTOCOL_2 = 'protocol 2';

export interface ReplySenderOptions {
  readonly exit: ReplyExit;
  /** What the reply's `seen-by` says; undefined leaves it out. */
  readonly trailOf: (reply: ReadableReply, dialect: Dialect) => readonly Hop[] | undefined;
}

const wireReply = ({ home, sender, time, payload }: ReadableReply, dialect: Dialect): WireReply => ({
  requestId: home.requestId,
  senderId: sender,
  agent: home.agent,
  time: Math.floor(time / 1000),
  message: encodeReplyBody(payload, dialect, home.action),
});

const protocol1Reply = (reply: ReadableReply, dialect: Dialect, hops: readonly Hop[] | undefined): string => {
  const { sender } = reply;
  const secure = encodeSecureReply(encodeReply(wireReply(reply, dialect)));
  const content = transportContent(secure, base64Style(dialect));
  return encodeTransport(hops === undefined ? { content, sender } : { content, sender, hops });
};

/**
 * Sends replies as a node of protocol 1 does, each in its requester's dialect; to requests of protocol 2, which are
 * refused, in that.
 * @returns a function that throws Rejection `invalid_reply_to`, `collective_not_exported`, `invalid_field` or what `ReplyExit.send` does
 */
export const createReplySender = (
  options: ReplySenderOptions,
): ((reply: ReadableReply, unsent?: (rejection: Rejection) => void) => void) => {
  const { exit, trailOf } = options;

  return (reply, unsent) => {
    const { home } = reply;
    const { dialect } = home;
    if (dialect !== PROTOCOL_2 && !isDialect(dialect))
      throw new Rejection('invalid_field', `${dialect} is no dialect of Choria`);
    const body = Buffer.from(
      dialect === PROTOCOL_2
        ? encodeProtocol2Reply(wireReply(reply, 'go'))
        : protocol1Reply(reply, dialect, trailOf(reply, dialect)),
    );
    exit.send({ destination: home.replyTo, body, expires: home.expires }, unsent);
  };
};
