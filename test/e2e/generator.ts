import { z } from 'zod';
import { BROKERS } from '../../src/transport/transports.ts';
import { type Storm, stormOf } from '../app/storm.ts';
import { KEY_FILES, makeAppWorld } from '../app/world.ts';
import { linksAt } from './brokers-world.ts';

// A process of its own: clients that ask and nodes that answer, on brokers that the one who has started it names.

const order = z.object({ id: z.number(), name: z.string(), value: z.unknown().optional() });
const brokers = z.object({
  nats: z.string(),
  activemq: z.object({ host: z.string(), port: z.number(), user: z.string(), password: z.string() }),
});

let storm: Storm | undefined;

const orders: Readonly<Record<string, (value: unknown) => Promise<unknown>>> = {
  /** @returns the files of the keys that they have */
  join: async (value) => {
    storm = stormOf(await makeAppWorld({ link: linksAt(brokers.parse(value)), transports: BROKERS }));
    return [...KEY_FILES];
  },
  learn: async () => storm?.learn(),
  begin: async () => storm?.begin(),
  counts: async () => storm?.counts(),
  askSecond: async (value) => storm?.askSecond(z.boolean().parse(value)),
  end: async () => storm?.end(),
};

process.on('message', (message) => {
  const { id, name, value } = order.parse(message);
  const done = orders[name]?.(value) ?? Promise.reject(new Error(`there is no order ${name}`));
  done.then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
process.send?.({ id: 0 });
