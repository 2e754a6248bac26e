import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { NatsSession } from '../../../src/transport/nats/session.ts';
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts';

let server: NatsServer;
let client: NatsConnection;

beforeEach(async () => {
  server = await startNatsServer();
  client = await connect({ servers: server.url });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await client.close();
  await server.stop();
});

it('a server is asked once a second how far it has come, and not for each message after the first second', () => {
  const session = new NatsSession(client, server.url, {
    onError: () => undefined,
    onDenied: () => undefined,
    onDrain: () => undefined,
  });
  const asked = vi.spyOn(client, 'flush');
  const clock = vi.spyOn(performance, 'now');
  const send = (at: number): void => {
    clock.mockReturnValue(at);
    session.send({ destination: 'a.b', body: Buffer.from('x'), expires: Number.POSITIVE_INFINITY });
  };
  for (let at = 0; at <= 3_500; at += 10) send(at);
  expect(asked).toHaveBeenCalledTimes(3);
});
