import { WebSocketClient } from './client/client.js';

/** Why a session is over, in words. Browsers do not say why they were not let in. */
const whyOver = ({ code, reason }, hasBegun, { ingress }) => {
  if (reason !== '') return `${reason} (${code})`;
  if (hasBegun) return `The connection was lost (${code}).`;
  return `${ingress} has not let this page in: is the token right, is ${location.origin} in its origins, and does the browser trust its certificate?`;
};

/**
 * A session of this page. The token is held in memory, and ends with it.
 * @param onOver told once, with why
 */
export const openSession = async (door, token, onOver) => {
  let hasBegun = false;
  let isOver = false;
  let client;
  const end = (why) => {
    if (isOver) return;
    isOver = true;
    client.close();
    onOver(why);
  };
  class Watched extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      this.addEventListener('close', (event) => end(whyOver(event, hasBegun, door)));
    }
  }
  client = new WebSocketClient({
    url: door.url,
    webSocket: Watched,
    ...(token !== '' && { token: () => token }),
  });
  try {
    const info = await client.info();
    hasBegun = true;
    return { client, info, end };
  } catch (error) {
    end(error.message);
    return undefined;
  }
};

/** `denied_by_policy` where the bridge refused it. */
export const sentenceOf = ({ message, reason }) =>
  reason === undefined ? message : `${message} (${reason})`;
