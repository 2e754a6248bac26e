import type { Link, LinkError, OutgoingMessage, Unsent } from '../../src/transport/link.ts';

export interface HeldLink {
  readonly link: Link;
  /** What the link has taken and not sent. */
  readonly held: readonly OutgoingMessage[];
  /** Tells each sender that the last so many messages of what it gave were not sent after all. */
  refuse(error: LinkError, count?: number): void;
  /** As if the connection had taken all that is held. */
  release(): void;
}

/** A link that is up and takes what it is given, but sends nothing: a broker that does not read. */
export const holdLink = (link: Link): HeldLink => {
  const held: OutgoingMessage[] = [];
  const items: { readonly count: number; readonly unsent: Unsent | undefined }[] = [];
  const sendAll = (messages: readonly OutgoingMessage[], unsent?: Unsent): void => {
    held.push(...messages);
    items.push({ count: messages.length, unsent });
  };
  return {
    link: {
      ...link,
      send: (message, unsent) => sendAll([message], unsent),
      sendAll,
      state: () => ({ ...link.state(), buffered: held.length }),
    },
    held,
    refuse: (error, most = Number.POSITIVE_INFINITY) => {
      held.length = 0;
      for (const { count, unsent } of items.splice(0)) unsent?.(error, Math.min(count, most));
    },
    release: () => {
      held.length = 0;
      items.length = 0;
    },
  };
};
