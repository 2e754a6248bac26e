import { describe, expect, test } from 'vitest';
import { serverUrl } from '../../../src/transport/stomp/options.ts';
import { Rotation } from '../../../src/transport/stomp/rotation.ts';

const servers = ['a', 'b', 'c'].map((host) => ({ host, port: 61613 }));
const backoff = { initial: 100, max: 1000 };

const rotationOf = (random: () => number = () => 1, randomize = false) =>
  new Rotation({ servers, randomize, backoff, random });

const fail = (rotation: Rotation, times: number) =>
  Array.from({ length: times }, () => `${rotation.failed()} ${rotation.server.host}`);

describe('a pool of servers', () => {
  test('is tried in order, with a growing pause after each round', () => {
    const rotation = rotationOf();
    expect(rotation.server.host).toBe('a');
    expect(fail(rotation, 7)).toEqual(['0 b', '0 c', '100 a', '0 b', '0 c', '200 a', '0 b']);
  });

  test('never pauses longer than the maximum, however long it lasts', () => {
    const rotation = new Rotation({
      servers: servers.slice(0, 1),
      randomize: false,
      backoff,
      random: () => 1,
    });
    const delays = Array.from({ length: 3000 }, () => rotation.failed());
    expect(delays.slice(0, 5)).toEqual([100, 200, 400, 800, 1000]);
    expect(new Set(delays.slice(5))).toEqual(new Set([1000]));
  });

  test('begins anew after a success, with the server whose turn it is', () => {
    const rotation = rotationOf();
    fail(rotation, 4);
    rotation.settled();
    expect(fail(rotation, 3)).toEqual(['0 c', '0 a', '100 b']);
  });

  test('spreads its pauses by half', () => {
    const rotation = rotationOf(() => 0);
    expect(fail(rotation, 3)).toEqual(['0 b', '0 c', '50 a']);
  });

  test('can be shuffled once', () => {
    const numbers = [0.9, 0.1, 0.5];
    const rotation = rotationOf(() => numbers.shift() ?? 1, true);
    expect([rotation.server.host, ...fail(rotation, 3)]).toEqual(['b', '0 c', '0 a', '100 b']);
  });
});

test('a server’s URL shows whether it has TLS, and brackets around IPv6', () => {
  expect(serverUrl({ host: 'mq.example.net', port: 61613 })).toBe('stomp://mq.example.net:61613');
  expect(serverUrl({ host: '::1', port: 61614, tls: { verify: true } })).toBe('stomp+ssl://[::1]:61614');
});
