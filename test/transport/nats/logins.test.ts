import { nkeys } from '@nats-io/transport-node';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { makeNatsOperator } from '../../support/nats-jwt.ts';
import { type NatsServer, newerNatsServer, startNatsServer } from '../../support/nats-server.ts';
import { clientTls, closeLinks, linkErrorOf, linkTo, listen, message, serverTls } from './harness.ts';

const PATIENT = { timeout: 60_000 };
const servers: NatsServer[] = [];
const serve = async (options: Parameters<typeof startNatsServer>[0]): Promise<NatsServer> => {
  const server = await startNatsServer(options);
  servers.push(server);
  return server;
};

afterEach(async () => {
  await closeLinks();
  for (const server of servers.splice(0)) await server.stop();
});

/** What a link carries to itself, also after a restart of the server. */
const carries = async (server: NatsServer, options: Parameters<typeof linkTo>[1]): Promise<void> => {
  const link = linkTo([server], { failFast: true, ...options });
  await link.open();
  const received = await listen(link, 'a');
  link.send(message('a', 'first'));
  await vi.waitFor(() => expect(received).toEqual(['first']), PATIENT);
  await server.restart();
  link.send(message('a', 'second'));
  await vi.waitFor(() => expect(received).toEqual(['first', 'second']), PATIENT);
};

const refusal = (server: NatsServer, options: Parameters<typeof linkTo>[1]) =>
  linkErrorOf(() => linkTo([server], { failFast: true, ...options }).open());

describe('a link logs in', () => {
  test('with a token, and no other', async () => {
    const server = await serve({ extra: 'authorization { token: "known to both" }' });
    await carries(server, { token: 'known to both' });
    expect((await refusal(server, { token: 'another' })).message).toContain('it refuses the credentials');
  });

  test('with the seed of an NKey, also with a line end behind it, and no other', async () => {
    const [user, stranger] = [nkeys.createUser(), nkeys.createUser()];
    const seed = (of: typeof user): string => `${Buffer.from(of.getSeed()).toString()}\n`;
    const server = await serve({ extra: `authorization { users: [{ nkey: "${user.getPublicKey()}" }] }` });
    await carries(server, { nkeySeed: seed(user) });
    const error = await refusal(server, { nkeySeed: seed(stranger) });
    expect(error.message).toContain('it refuses the credentials');
    expect(JSON.stringify([error.message, error.hint()])).not.toContain(seed(stranger).trim());
  });

  test('with a .creds file, and with none of another operator', async () => {
    const [operator, stranger] = [makeNatsOperator(), makeNatsOperator()];
    const server = await serve({ extra: operator.config });
    await carries(server, { credentials: operator.credentials('bridge') });
    expect((await refusal(server, { credentials: stranger.credentials('bridge') })).message).toContain(
      'it refuses the credentials',
    );
    expect((await refusal(server, {})).message).toContain('it wants credentials, and none are configured');
  });

  test('is told to whoever waits where the keys are none', async () => {
    const server = await serve({ extra: makeNatsOperator().config });
    expect((await refusal(server, { nkeySeed: 'no seed' })).message).toContain(server.url);
    expect((await refusal(server, { credentials: 'no credentials' })).message).toContain(
      'unable to parse credentials',
    );
  });
});

describe('a server with TLS before its first word', () => {
  test('is spoken to so, with client certificates, and by its address', async () => {
    const server = await serve({ tls: { ...serverTls, handshakeFirst: true }, program: newerNatsServer() });
    await carries(server, { tls: { ...clientTls, handshakeFirst: true } });
    const { ca, verify } = clientTls;
    expect(await refusal(server, { tls: { ca, verify, handshakeFirst: true } })).toMatchObject({
      code: 'tls',
    });
    expect((await refusal(server, { tls: clientTls, connectTimeout: 1_000 })).hint()).toContain(
      'handshake_first',
    );
  });

  test('is told from one that speaks first', async () => {
    const server = await serve({ tls: serverTls });
    expect(await refusal(server, { tls: { ...clientTls, handshakeFirst: true } })).toMatchObject({
      code: 'tls',
      message: expect.stringContaining('what answers there does not speak TLS'),
    });
  });
});
