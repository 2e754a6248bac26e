import type { ReplyPath } from '../adapter-type.ts';

const PLACE = /^(\/queue\/[\w-]+\.reply\.[\w.-]+\.)[\w-]{40,}$/;

/** The queue that daemons reply to; see `replyDestination`. */
export const REPLY_PATH: ReplyPath = {
  beforeToken: (place) => PLACE.exec(place)?.[1],
  of: ({ dir, destination, replyTo }) => {
    const place = dir === 'out' ? replyTo : destination;
    return place !== undefined && PLACE.test(place) ? place : undefined;
  },
};
