import { afterAll, beforeAll } from 'vitest';
import { type LinkHarness, linkContract } from '../../src/testing/link-contract.ts';
import { MemoryBroker, NATS_RULES, STOMP_RULES } from '../../src/transport/memory/broker.ts';
import { createNatsLink } from '../../src/transport/nats/index.ts';
import { createStompLink } from '../../src/transport/stomp/index.ts';
import { type ActiveMq, startActiveMq } from '../support/activemq.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';

let nats: NatsServer;
let activemq: ActiveMq;
beforeAll(async () => {
  [nats, activemq] = await Promise.all([startNatsServer(), startActiveMq()]);
});
afterAll(() => Promise.all([nats.stop(), activemq.stop()]));

let count = 0;
const backoff = { initial: 50, max: 200 };

const natsPool: NonNullable<LinkHarness['network']>['pool'] = (ports, options) =>
  createNatsLink({
    servers: ports.map((port) => `nats://127.0.0.1:${port}`),
    name: 'contract',
    backoff,
    closeTimeout: 1_000,
    ...options,
  });

linkContract('a NATS link', {
  link: (onEvent) => natsPool([nats.port], { failFast: false, onEvent }),
  destination: () => `contract.n${++count}`,
  network: { pool: natsPool, port: () => nats.port, restart: () => nats.restart() },
});

const stompPool: NonNullable<LinkHarness['network']>['pool'] = (ports, options) =>
  createStompLink({
    servers: ports.map((port) => ({ host: '127.0.0.1', port })),
    login: activemq.user,
    passcode: activemq.password,
    vhost: 'mcollective',
    backoff,
    closeTimeout: 1_000,
    clock: Date.now,
    ...options,
  });

linkContract('a STOMP link', {
  link: (onEvent) => stompPool([activemq.port], { failFast: false, onEvent }),
  destination: () => `/queue/mcollective.contract.${++count}`,
  network: { pool: stompPool, port: () => activemq.port, restart: () => activemq.restart() },
});

const [memoryNats, memoryStomp] = [new MemoryBroker(NATS_RULES), new MemoryBroker(STOMP_RULES)];

linkContract('an in-process link with the rules of NATS', {
  link: () => memoryNats.link(),
  destination: () => `contract.m${++count}`,
});

linkContract('an in-process link with the rules of STOMP', {
  link: () => memoryStomp.link(),
  destination: () => `/queue/contract.m${++count}`,
});
