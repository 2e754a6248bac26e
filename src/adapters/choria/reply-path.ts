import type { ReplyPath } from '../adapter-type.ts';

const PLACE = /^([\w-]+\.reply\.mcbridge\.)[\w-]{40,}$/;
const IN_HEADER = /"reply-to"\s*:\s*"([\w-]+\.reply\.mcbridge\.[\w-]{40,})"/;

/** In the federation header, which nodes copy into their replies; see `bridgeReplySubject`. */
export const REPLY_PATH: ReplyPath = {
  beforeToken: (place) => PLACE.exec(place)?.[1],
  of: ({ text }) => (text === undefined ? undefined : IN_HEADER.exec(text)?.[1]),
};
