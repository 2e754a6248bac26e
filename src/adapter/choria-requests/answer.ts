import type { Hop, ReadableReply } from '../../envelope/message.ts';
import { Rejection } from '../../envelope/rejection.ts';
import type { Link } from '../../transport/link.ts';
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
} from '../../wire/choria/index.ts';
import { sendVia } from '../send.ts';

/** @throws Rejection for a subject that replies are not carried to */
export type ReplySubjectCheck = (subject: string) => void;

/**
 * Lets through the reply subjects of these collectives.
 * @returns a check that throws Rejection `invalid_reply_to` or `collective_not_exported`
 */
export const replySubjectCheck =
  (collectives: ReadonlySet<string>): ReplySubjectCheck =>
  (subject) => {
    const { collective } = parseReplySubject(subject);
    // A reply to a request that passes sealed would come back as one to what the bridge has translated.
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

/** How the home of a request of protocol 2 calls its requester's dialect. */
export const PROTOCOL_2 = 'protocol 2';

export interface AnswererOptions {
  readonly link: Link;
  readonly checkReplySubject: ReplySubjectCheck;
  /** What the reply's `seen-by` says; undefined leaves it out. */
  readonly trailOf: (reply: ReadableReply, dialect: Dialect) => readonly Hop[] | undefined;
}

const wireReply = ({ home, sender, time, payload }: ReadableReply, dialect: Dialect): WireReply => ({
  requestId: home.requestId,
  senderId: sender,
  agent: home.agent,
  time,
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
 * @returns a function that throws Rejection `invalid_reply_to`, `collective_not_exported`, `invalid_field` or what `sendVia` does
 */
export const createAnswerer = (
  options: AnswererOptions,
): ((reply: ReadableReply, unsent?: (rejection: Rejection) => void) => void) => {
  const { link, checkReplySubject, trailOf } = options;
  let checked: string | undefined;

  return (reply, unsent) => {
    const { home } = reply;
    const { dialect } = home;
    if (dialect !== PROTOCOL_2 && !isDialect(dialect))
      throw new Rejection('invalid_field', `${dialect} is no dialect of Choria`);
    // The replies to one request come with one subject.
    if (home.replyTo !== checked) checkReplySubject(home.replyTo);
    checked = home.replyTo;
    const body = Buffer.from(
      dialect === PROTOCOL_2
        ? encodeProtocol2Reply(wireReply(reply, 'go'))
        : protocol1Reply(reply, dialect, trailOf(reply, dialect)),
    );
    sendVia(link, { destination: home.replyTo, body, expires: home.expires }, unsent);
  };
};
