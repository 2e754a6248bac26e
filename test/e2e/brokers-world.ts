import { createNatsLink } from '../../src/transport/nats/index.ts';
import { createStompLink } from '../../src/transport/stomp/index.ts';
import { BROKERS } from '../../src/transport/transports.ts';
import { type AppWorld, type Brokers, makeAppWorld, type Parts } from '../app/world.ts';
import { type ActiveMq, startActiveMq } from '../support/activemq.ts';
import { startNatsServer } from '../support/nats-server.ts';

/** Apps on a real nats-server and a real ActiveMQ, with their clients and nodes. */
export interface BrokersWorld {
  readonly world: AppWorld;
  /** Where the brokers are, for a configuration. */
  readonly at: NonNullable<Parts['at']>;
  end(): Promise<void>;
}

const onEvent = (): void => undefined;

/** Where brokers are that several processes use. */
export interface BrokerPlaces {
  readonly nats: string;
  readonly activemq: Pick<ActiveMq, 'port' | 'user' | 'password'> & { readonly host: string };
}

/** Links of clients and nodes. */
export const linksAt =
  ({ nats, activemq: { host, port, user, password } }: BrokerPlaces): Brokers['link'] =>
  (site) =>
    site === 'federation' || site === 'choria'
      ? createNatsLink({ servers: [nats], name: site, onEvent })
      : createStompLink({
          servers: [{ host, port }],
          login: user,
          passcode: password,
          vhost: '/',
          clock: Date.now,
          onEvent,
        });

/** Where the brokers are, for a configuration. */
export const sitesAt = ({ nats, activemq }: BrokerPlaces): NonNullable<Parts['at']> => {
  const stomp = `stomp://${activemq.host}:${activemq.port}`;
  return { federation: nats, choria: nats, legacy: stomp, second: stomp, clients: stomp };
};

export const startBrokers = async (): Promise<BrokerPlaces & { stop(): Promise<void> }> => {
  const [nats, activemq] = await Promise.all([startNatsServer(), startActiveMq()]);
  return {
    nats: nats.url,
    activemq,
    stop: async () => void (await Promise.all([nats.stop(), activemq.stop()])),
  };
};

export const startBrokersWorld = async (): Promise<BrokersWorld> => {
  const brokers = await startBrokers();
  const world = await makeAppWorld({ link: linksAt(brokers), transports: BROKERS });
  return {
    world,
    at: sitesAt(brokers),
    end: async () => {
      await world.end();
      await brokers.stop();
    },
  };
};
