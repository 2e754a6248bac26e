import type { Socket } from 'node:net';
import type { NatsLinkSettings } from './options.ts';

/**
 * Watches a connection on which the client pings once an interval. Any byte counts as life, not the PONG alone, which comes
 * behind all that waits in the server for this client: megabytes, on a slow line. What this side sends is asked for every
 * 256 KiB (`session.ts`), so a server that takes it says something too. It ends with the socket, and keeps no process alive.
 * @param onSilence called once, when nothing has come for as many intervals as pings may stay unanswered, and one more
 */
export const watchSilence = (
  socket: Socket,
  { pingInterval, maxPingOut }: Pick<NatsLinkSettings, 'pingInterval' | 'maxPingOut'>,
  onSilence: () => void,
): void => {
  let read = socket.bytesRead;
  let silent = 0;
  const look = (): void => {
    silent = socket.bytesRead === read ? silent + 1 : 0;
    read = socket.bytesRead;
    if (!socket.destroyed && silent <= maxPingOut) return;
    clearInterval(timer);
    if (!socket.destroyed) onSilence();
  };
  // If this process was busy, bytes may wait unread: timers run before the sockets' turn, immediates after it. The client
  // takes all listeners from a socket that it closes, so none can tell of that.
  const timer = setInterval(() => setImmediate(look), pingInterval).unref();
};
