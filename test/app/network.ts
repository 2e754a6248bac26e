import { delegateLink } from '../../src/transport/delegate-link.ts';
import type { Link, OutgoingMessage } from '../../src/transport/link.ts';
import { MemoryBroker, STOMP_RULES } from '../../src/transport/memory/broker.ts';
import { type Brokers, memoryBrokers } from './world.ts';

/** The brokers of the legacy clients, by the hosts in `servers`: what is sent to a topic of one comes to both. */
const HOSTS = ['clients', 'elsewhere'] as const;
type Host = (typeof HOSTS)[number];

/** Brokers where legacy clients have a network of two. */
export interface Network extends Brokers {
  /** What apps do there, in order, such as `clients subscribe /topic/office.*.agent`. */
  readonly done: string[];
  /** Keeps the copies that go from one broker to the other, until they are let go. */
  lag(): () => void;
  /** Keeps apps from ending subscriptions at the first broker, until they are let. */
  stall(): () => void;
}

/** @param copiesOf what else the first broker makes of a message, as a composite destination does */
export const networkOf = (
  copiesOf: (message: OutgoingMessage) => readonly OutgoingMessage[] = () => [],
): Network => {
  const memory = memoryBrokers();
  const brokers = { clients: new MemoryBroker(STOMP_RULES), elsewhere: new MemoryBroker(STOMP_RULES) };
  const done: string[] = [];
  let held: (() => void)[] | undefined;
  let stalled: Promise<void> | undefined;

  const linkAt = (host: Host): Link => {
    const link = brokers[host].link();
    const over = brokers[host === 'clients' ? 'elsewhere' : 'clients'].link();
    const send = (message: OutgoingMessage): void => {
      for (const one of [message, ...copiesOf(message)]) link.send(one);
      if (!message.destination.startsWith('/topic/')) return;
      const copy = (): void => over.send(message);
      if (held === undefined) copy();
      else held.push(copy);
    };
    return { ...delegateLink(link), send, sendAll: (messages) => messages.forEach(send) };
  };

  /** Of an app: what it does is noted. */
  const watched = (host: Host): Link => {
    const link = linkAt(host);
    return {
      ...link,
      subscribe: async (subscription) => {
        const { destination } = subscription;
        const standing = await link.subscribe(subscription);
        done.push(`${host} subscribe ${destination}`);
        return {
          unsubscribe: async () => {
            done.push(`${host} leave ${destination}`);
            if (host === 'clients') await stalled;
            await standing.unsubscribe();
          },
        };
      },
    };
  };

  /** A client's: replies come to it by either broker. */
  const clientLink = (): Link => {
    const [link, other] = [linkAt('clients'), linkAt('elsewhere')];
    return {
      ...link,
      subscribe: async (subscription) => {
        const both = await Promise.all([link.subscribe(subscription), other.subscribe(subscription)]);
        return { unsubscribe: async () => void (await Promise.all(both.map((it) => it.unsubscribe()))) };
      },
    };
  };

  return {
    done,
    link: (site) => (site === 'clients' ? clientLink() : memory.link(site)),
    transports: {
      open: (spec, options) => {
        const host = HOSTS.find((it) => spec.servers.some((url) => new URL(url).hostname === it));
        return host === undefined ? memory.transports.open(spec, options) : watched(host);
      },
    },
    lag: () => {
      const waiting: (() => void)[] = [];
      held = waiting;
      return () => {
        held = undefined;
        for (const copy of waiting.splice(0)) copy();
      };
    },
    stall: () => {
      let letGo: () => void = () => undefined;
      stalled = new Promise((resolve) => {
        letGo = resolve;
      });
      return () => letGo();
    },
  };
};
