import { expect, test } from 'vitest';
import { type NatsSettings, natsSpec } from '../../src/transport/nats/spec.ts';
import { type StompSettings, stompSpec } from '../../src/transport/stomp/spec.ts';

const PLACE = { name: 'a', side: 'egress' } as const;
const SERVERS = ['nats://one.example.net:4222', 'nats://two.example.net:4222'];

const nats = (settings: Partial<NatsSettings> = {}): string =>
  natsSpec(PLACE, { servers: SERVERS, name: 'bridge', ...settings }).network;

const STOMP: StompSettings = { servers: [{ host: 'mq.example.net', port: 61613 }], vhost: '/' };
const stomp = (login: string, url = 'stomp://mq.example.net:61613'): string =>
  stompSpec(PLACE, { ...STOMP, login }, [url]).network;

test('links of the same servers and the same login lead to one network', () => {
  expect(nats({ servers: SERVERS.toReversed(), name: 'another' })).toBe(nats());
  const tls = SERVERS.map((url) => url.replace('nats:', 'tls:'));
  expect(nats({ servers: tls, tls: { verify: true } })).toBe(nats());
  expect(
    stompSpec({ ...PLACE, name: 'b' }, { ...STOMP, login: 'x', passcode: 'new' }, [
      'stomp://mq.example.net:61613',
    ]).network,
  ).toBe(stomp('x'));
});

test('links of another server or another login may lead to other networks, and none tells its secrets', () => {
  const all = [
    nats(),
    nats({ servers: SERVERS.slice(1) }),
    nats({ user: 'hush' }),
    nats({ token: 'hush' }),
    nats({ nkeySeed: 'hush' }),
    nats({ credentials: 'hush' }),
    nats({ tls: { verify: true, cert: 'hush' } }),
    stomp('hush'),
    stomp('other'),
    stomp('hush', 'stomp://mq.example.net:61614'),
  ];
  expect(new Set(all).size).toBe(all.length);
  expect(all.join()).not.toContain('hush');
});
