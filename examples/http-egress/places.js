// @ts-check
/** @import { ReplyPath } from 'mcbridge/adapter' */

/**
 * Messages of a link have destinations. HTTP has one URL, so these are names only: recordings show them, and by them
 * an answer finds who awaits it. The server sees the last two, in the header `mcbridge-reply-to`.
 */

/** @param {string} collective */
export const requestPlace = (collective) => `mcbridge.request.${collective}`;

/** Where replies come in: the reply token in the last part is all that the bridge remembers of a request. */
export const replyPlace = (
  /** @type {string} */ cluster,
  /** @type {string} */ collective,
  /** @type {string} */ token,
) => `mcbridge.reply.${cluster}.${collective}.${token}`;

/** Where answers to the bridge's own questions come in. @param {string} requestId */
export const questionPlace = (requestId) => `mcbridge.question.${requestId}`;

/** Of which question it is the place. @param {string} place */
export const questionAt = (place) => place.slice(place.lastIndexOf('.') + 1);

/** All of those. @param {string} cluster */
export const replyPlaces = (cluster) => `mcbridge.reply.${cluster}.>`;
export const QUESTION_PLACES = 'mcbridge.question.>';

const REPLY = /^(mcbridge\.reply\.[\w-]+\.([\w-]+)\.)([\w-]{40,})$/;

/**
 * @param {string} place
 * @returns {{ readonly collective: string, readonly token: string }} both empty for a place that is none
 */
export const partsOf = (place) => {
  const [, , collective = '', token = ''] = REPLY.exec(place) ?? [];
  return { collective, token };
};

/** How recordings and replays find the token in a message. @type {ReplyPath} */
export const REPLY_PATH = {
  beforeToken: (place) => REPLY.exec(place)?.[1],
  of: ({ dir, destination, replyTo }) => {
    const place = dir === 'out' ? replyTo : destination;
    return place !== undefined && REPLY.test(place) ? place : undefined;
  },
};
