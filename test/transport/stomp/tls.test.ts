import { once } from 'node:events';
import { createServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LinkError } from '../../../src/transport/link.ts';
import type { StompTls } from '../../../src/transport/stomp/index.ts';
import { type ActiveMq, startActiveMq } from '../../support/activemq.ts';
import { makeAuthority } from '../../support/pki.ts';
import { closeLinks, collect, linkTo, outgoing, unique, until } from './harness.ts';

const authority = makeAuthority('Legacy CA');
const server = authority.issue({ commonName: 'broker.example.net', dnsNames: ['broker.example.net'] });
const client = authority.issue({ commonName: 'bridge.example.net', usages: ['client'] });
const stranger = makeAuthority('Another CA').issue({ commonName: 'bridge.example.net', usages: ['client'] });

const ca = authority.certificate;
const own = { cert: client.certificate, key: client.privateKey };

const startSecure = (needClientAuth: boolean) =>
  startActiveMq({ tls: { key: server.privateKey, cert: server.certificate, ca, needClientAuth } });

const linkOver = (broker: ActiveMq, tls: StompTls, failFast = true) =>
  linkTo([{ host: '127.0.0.1', port: broker.tlsPort ?? 0, tls }], broker, { failFast });

const passesMessages = async (broker: ActiveMq, tls: StompTls): Promise<string> => {
  const { link } = linkOver(broker, tls);
  await link.open();
  const queue = unique();
  const { bodies } = await collect(link, queue);
  const body = 'x'.repeat(300_000);
  link.send(outgoing(queue, body));
  await until(() => bodies().length === 1, 'the message came');
  expect(bodies()).toEqual([body]);
  return link.state().server ?? '';
};

afterEach(closeLinks);

describe('a broker with TLS', () => {
  let broker: ActiveMq;
  beforeAll(async () => {
    broker = await startSecure(false);
  });
  afterAll(() => broker.stop());

  test('is connected to when its certificate verifies', async () => {
    expect(await passesMessages(broker, { ca, verify: true })).toBe(
      `stomp+ssl://127.0.0.1:${broker.tlsPort}`,
    );
  });

  test('may have a name of its own', async () => {
    await passesMessages(broker, { ca, verify: true, serverName: 'broker.example.net' });
  });

  test('is left alone when it has another name', async () => {
    const { link } = linkOver(broker, { ca, verify: true, serverName: 'other.example.net' });
    await expect(link.open()).rejects.toMatchObject({ code: 'tls' });
  });

  test('is left alone when its authority is unknown', async () => {
    const { link } = linkOver(broker, { ca: makeAuthority('Another CA').certificate, verify: true });
    await expect(link.open()).rejects.toMatchObject({ code: 'tls' });
  });

  test('is taken as it is when nobody wants to verify it', async () => {
    await passesMessages(broker, { verify: false, serverName: 'other.example.net' });
  });

  test('is retried for ever, though its authority is unknown, when not to fail fast', async () => {
    const { link, events } = linkOver(
      broker,
      { ca: makeAuthority('Another CA').certificate, verify: true },
      false,
    );
    link.open().catch(() => undefined);
    await until(() => events.length > 2, 'it was retried');
    expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(['retry']));
  });

  test('cannot be reached without TLS', async () => {
    const { link } = linkTo([{ host: '127.0.0.1', port: broker.tlsPort ?? 0 }], broker, { failFast: true });
    await expect(link.open()).rejects.toMatchObject({ name: 'LinkError' });
  });

  test('cannot be reached with TLS on its plain port', async () => {
    const { link } = linkTo([{ ...broker, tls: { ca, verify: true } }], broker, {
      failFast: true,
      connectTimeout: 500,
    });
    await expect(link.open()).rejects.toMatchObject({ code: 'tls' });
  });

  test('cannot be reached with a key that is none', async () => {
    const { link } = linkOver(broker, { ca, verify: true, cert: own.cert, key: 'no key' });
    await expect(link.open()).rejects.toMatchObject({ code: 'tls' });
  });
});

describe('a broker that wants client certificates', () => {
  let broker: ActiveMq;
  beforeAll(async () => {
    broker = await startSecure(true);
  });
  afterAll(() => broker.stop());

  test('lets in who has one', async () => {
    await passesMessages(broker, { ca, verify: true, ...own });
  });

  test('refuses who has none', async () => {
    const { link } = linkOver(broker, { ca, verify: true });
    await expect(link.open()).rejects.toMatchObject({ code: 'tls' });
  });

  test('refuses who has one of another authority', async () => {
    const { link } = linkOver(broker, {
      ca,
      verify: true,
      cert: stranger.certificate,
      key: stranger.privateKey,
    });
    await expect(link.open()).rejects.toMatchObject({ code: 'tls' });
  });
});

test('a broker that closes the connection at CONNECT may mean the certificate or the login, and both are said', async () => {
  const curt = createServer({ key: server.privateKey, cert: server.certificate }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end());
  });
  curt.listen(0, '127.0.0.1');
  await once(curt, 'listening');
  const address = curt.address();
  if (address === null || typeof address === 'string') throw new Error('listening on no TCP port');
  const to = [{ host: '127.0.0.1', port: address.port, tls: { ca, verify: false } }];
  try {
    const { link } = linkTo(to, { user: 'mcollective', password: 'x' }, { failFast: true });
    await expect(link.open()).rejects.toMatchObject({
      code: 'tls',
      message: `stomp+ssl://127.0.0.1:${address.port}: it ended the connection right after the TLS handshake`,
    });
    const { link: again } = linkTo(to, { user: 'mcollective', password: 'x' }, { failFast: true });
    const error: unknown = await again.open().catch((thrown: unknown) => thrown);
    expect(error instanceof LinkError && error.hint()).toMatch(/certificate tls\.cert.*user and password/);
  } finally {
    curt.close();
  }
});
