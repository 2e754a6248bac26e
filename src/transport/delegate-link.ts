import type { Link } from './link.ts';

/** A link's methods apart from it, for one that puts others in the place of some. */
export const delegateLink = (link: Link): Link => ({
  open: () => link.open(),
  subscribe: (subscription) => link.subscribe(subscription),
  send: (message, unsent) => link.send(message, unsent),
  sendAll: (messages, unsent) => link.sendAll(messages, unsent),
  close: () => link.close(),
  state: () => link.state(),
  ...(link.prove && { prove: link.prove.bind(link) }),
});
