import { type IncomingMessage, type Link, LinkError, type LinkEvent } from 'mcbridge/adapter';
import { linkContract, sendingContract } from 'mcbridge/testing';
import { afterAll, beforeAll } from 'vitest';
import { echoLink, startEcho } from './echo.ts';
import type { HttpServer } from './server.ts';

let server: HttpServer;
beforeAll(async () => {
  server = await startEcho();
});
afterAll(() => server.close());

let count = 0;
/** Resolves when a link finds that its server has gone. */
let onGone = (): void => undefined;

linkContract('an HTTP link', {
  link: (onEvent) => echoLink([server.port], { onEvent }),
  destination: () => `contract.h${++count}`,
  network: {
    pool: (ports, { onEvent, ...options }) =>
      echoLink(ports, {
        ...options,
        onEvent: (event) => {
          onEvent(event);
          if (event.kind === 'disconnected') onGone();
        },
      }),
    port: () => server.port,
    restart: async () => {
      const gone = new Promise<void>((resolve) => {
        onGone = resolve;
      });
      const { port } = server;
      await server.close();
      await gone;
      server = await startEcho(port);
    },
  },
});

/** One that only listens, to all that comes to the server. */
const receiver = (listeners: Set<(message: IncomingMessage) => void>): Link => {
  const notSending = (): never => {
    throw new LinkError('closed', 'it only listens');
  };
  return {
    open: async () => undefined,
    subscribe: async ({ onMessage }) => {
      listeners.add(onMessage);
      return { unsubscribe: async () => void listeners.delete(onMessage) };
    },
    send: notSending,
    sendAll: notSending,
    close: async () => listeners.clear(),
    state: () => ({ up: true, buffered: 0 }),
  };
};

sendingContract('an HTTP link', {
  destinations: () => {
    const prefix = `sending.h${++count}`;
    return { to: (i) => `${prefix}.${i}`, all: `${prefix}.>` };
  },
  stage: async (buffer) => {
    const listeners = new Set<(message: IncomingMessage) => void>();
    const events: LinkEvent[] = [];
    const held: (() => void)[] = [];
    let isHeld = false;
    const echo = await startEcho(undefined, {
      onMessage: (message) => {
        for (const listener of listeners) listener(message);
      },
      hold: (go) => {
        if (isHeld) held.push(go);
        else go();
      },
    });
    const link = echoLink([echo.port], { onEvent: (event) => events.push(event) }, { buffer });
    return {
      link,
      events,
      receiver: receiver(listeners),
      stall: () => {
        isHeld = true;
      },
      resume: () => {
        isHeld = false;
        for (const go of held.splice(0)) go();
      },
      close: async () => {
        await link.close();
        await echo.close();
      },
    };
  },
});
