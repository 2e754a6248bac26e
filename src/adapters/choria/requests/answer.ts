import type { Hop, ReadableReply } from '../../../envelope/message.ts';
import { Rejection } from '../../../envelope/rejection.ts';
import {
  base64Style,
  type Dialect,
  encodeProtocol2Reply,
  encodeReply,
  encodeReplyBody,
  encodeSecureReply,
  encodeTransport,
  isDialect,
  transportContent,
  type WireReply,
} from '../wire/index.ts';
import type { ReplyExit } from './reply-exit.ts';

/** How the home of a request of protocol 2 calls its requester's dialect. */
export const PROTOCOL_2 = 'protocol 2';

export interface AnswererOptions {
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
export const createAnswerer = (
  options: AnswererOptions,
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
