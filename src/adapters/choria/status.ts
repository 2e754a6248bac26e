import type { LinkStatus } from '../../envelope/port.ts';
import type { Link } from '../../transport/link.ts';

/** A NATS link's status; Choria writes nats:// of servers with TLS too, in hop trails for instance. */
export const choriaStatus = (name: string, link: Link): LinkStatus => {
  const { server, ...state } = link.state();
  return { name, ...state, ...(server === undefined ? {} : { server: server.replace(/^tls:/, 'nats:') }) };
};
