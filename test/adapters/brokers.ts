import { MemoryBroker, NATS_RULES, STOMP_RULES } from '../../src/transport/memory/broker.ts';

export const CLUSTER = 'prod';
export const COLLECTIVE = 'mcollective';

/** Two brokers, which any number of bridges may share, and a clock that stands still until it is moved. */
export interface Brokers {
  readonly nats: MemoryBroker;
  readonly stomp: MemoryBroker;
  readonly clock: { now: number };
}

export const makeBrokers = (): Brokers => ({
  nats: new MemoryBroker(NATS_RULES),
  stomp: new MemoryBroker(STOMP_RULES),
  clock: { now: Date.now() },
});
