import type { Link } from '../../src/transport/link.ts';
import { createStompLink } from '../../src/transport/stomp/index.ts';
import type { ActiveMq } from './activemq.ts';

/** A link to a broker of a test's own, as its first user. Not yet open. */
export const stompLinkTo = ({ host, port, user, password }: ActiveMq): Link =>
  createStompLink({
    servers: [{ host, port }],
    login: user,
    passcode: password,
    vhost: host,
    clock: Date.now,
    onEvent: () => undefined,
  });
