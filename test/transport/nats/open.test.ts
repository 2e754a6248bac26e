import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../../../src/testing/ports.ts';
import { startTcpServer } from '../../../src/testing/tcp-server.ts';
import { LinkError } from '../../../src/transport/link.ts';
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts';
import { makeAuthority } from '../../support/pki.ts';
import {
  authority,
  clientTls,
  closeLinks,
  linkErrorOf,
  linkTo,
  listen,
  message,
  serverTls,
} from './harness.ts';

let secure: NatsServer;
let guarded: NatsServer;
const stranger = makeAuthority('another CA');

const PERMISSIONS = `authorization { users: [
  { user: bridge, password: "s3cret", permissions: { publish: "ok.>", subscribe: "ok.>" } }
] }`;

beforeAll(async () => {
  secure = await startNatsServer({ tls: serverTls });
  guarded = await startNatsServer({ extra: PERMISSIONS });
});
afterEach(closeLinks);
afterAll(() => Promise.all([secure.stop(), guarded.stop()]));

describe('open() with failFast says what is wrong', () => {
  test.for([
    [
      'a CA that did not sign the server',
      { ...clientTls, ca: stranger.certificate },
      /not signed by a CA of tls\.ca/,
    ],
    [
      'no client certificate',
      { ca: authority.certificate, verify: true },
      /wants a client certificate, and none is configured/,
    ],
    [
      'a client certificate of another CA',
      (() => {
        const { certificate, privateKey } = stranger.issue({ commonName: 'bridge', usages: ['client'] });
        return { ...clientTls, cert: certificate, key: privateKey };
      })(),
      /does not accept this client's certificate/,
    ],
    [
      'a key that does not fit the certificate',
      { ...clientTls, key: stranger.privateKey },
      /tls\.key does not belong to tls\.cert/,
    ],
  ] as const)('%s', async ([, tls, text]) => {
    // What the client sees of a refused certificate depends on timing: an alert or a reset.
    for (let i = 0; i < 5; i++) {
      const link = linkTo([secure], { tls, failFast: true });
      const error = await linkErrorOf(() => link.open());
      expect(error).toMatchObject({ code: 'tls', message: expect.stringMatching(text) });
      expect(link.state()).toMatchObject({ up: false, reason: error.message });
    }
  });

  test('a certificate for another host', async () => {
    const elsewhere = authority.issue({
      commonName: 'elsewhere',
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.2'],
      usages: ['server'],
    });
    const server = await startNatsServer({
      tls: { ...serverTls, cert: elsewhere.certificate, key: elsewhere.privateKey },
    });
    const error = await linkErrorOf(() => linkTo([server], { tls: clientTls, failFast: true }).open());
    expect(error).toMatchObject({ code: 'tls', message: expect.stringContaining('another host name') });
    const unverified = linkTo([server], { tls: { ...clientTls, verify: false }, failFast: true });
    await unverified.open();
    expect(unverified.state().up).toBe(true);
    await unverified.close();
    await server.stop();
  });

  test('TLS with a server that has none', async () => {
    const error = await linkErrorOf(() => linkTo([guarded], { tls: clientTls, failFast: true }).open());
    expect(error).toMatchObject({ code: 'tls', message: expect.stringContaining('offers no TLS') });
  });

  test('a wrong password, without telling it', async () => {
    const link = linkTo([guarded], { user: 'bridge', password: 'wr0ng', failFast: true });
    const error = await linkErrorOf(() => link.open());
    expect(error).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('refuses the credentials'),
    });
    expect(JSON.stringify([error.message, link.events, link.state()])).not.toContain('wr0ng');
  });

  test('nobody there', async () => {
    const port = await freePort();
    const error = await linkErrorOf(() => linkTo([`nats://127.0.0.1:${port}`], { failFast: true }).open());
    expect(error).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('connection refused'),
    });
  });

  test('a list of servers none of which can be used', async () => {
    const port = await freePort();
    const servers = [`nats://127.0.0.1:${port}`, guarded];
    const error = await linkErrorOf(() => linkTo(servers, { failFast: true }).open());
    expect(error.message).toMatch(/connection refused.*wants credentials/);
  });

  test.for(['http://a', 'nats://', 'nats://a:b:c'])('%s is no server', async (url) => {
    expect((await linkErrorOf(() => linkTo([url]))).code).toBe('protocol');
  });
});

describe('open()', () => {
  test('takes the next server when the first cannot be used', async () => {
    const link = linkTo([`nats://127.0.0.1:${await freePort()}`, secure], { tls: clientTls, failFast: true });
    await link.open();
    expect(link.state()).toMatchObject({ up: true, server: secure.url });
  });

  test('keeps trying until the server is there, and sends what has waited', async () => {
    const port = await freePort();
    const link = linkTo([`nats://127.0.0.1:${port}`]);
    const opening = link.open();
    link.send(message('a', 'early'));
    await vi.waitFor(() => expect(link.of('retry').length).toBeGreaterThan(2));
    expect(link.state()).toMatchObject({
      up: false,
      reason: expect.stringContaining('connection refused'),
      buffered: 1,
    });
    const [first, second] = link.of('retry');
    expect(second?.delay).toBeGreaterThan(first?.delay ?? Number.POSITIVE_INFINITY);
    const subscribing = listen(link, 'a');
    const server = await startNatsServer({ port });
    await opening;
    const received = await subscribing;
    await vi.waitFor(() => expect(received).toEqual(['early']));
    await link.close();
    await server.stop();
  });

  test('is given up by close()', async () => {
    const link = linkTo([`nats://127.0.0.1:${await freePort()}`]);
    const opening = linkErrorOf(() => link.open());
    await vi.waitFor(() => expect(link.of('retry').length).toBeGreaterThan(0));
    await link.close();
    expect((await opening).code).toBe('closed');
  });

  test('leaves no socket behind at a server that accepts and then says nothing', async () => {
    const silent = await startTcpServer();
    const link = linkTo([silent.url], { connectTimeout: 100, failFast: true });
    const error = await linkErrorOf(() => link.open());
    expect(error).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('says nothing within 100 ms'),
    });
    await vi.waitFor(() => expect(silent.sockets.map((socket) => socket.destroyed)).toEqual([true]));
    await silent.close();
  });
});

describe('credentials in the URL and permissions', () => {
  const withPassword = () => guarded.url.replace('//', '//bridge:s3cret@');

  test('the URL may hold them; events and state do not', async () => {
    const link = linkTo([withPassword()], { failFast: true });
    await link.open();
    await link.close();
    expect(link.of('connected')).toEqual([{ kind: 'connected', server: guarded.url }]);
    expect(JSON.stringify([link.events, link.state()])).not.toContain('s3cret');
  });

  test('a subscription that is not allowed is refused and reported; the others go on', async () => {
    const link = linkTo([withPassword()], { failFast: true });
    await link.open();
    const received = await listen(link, 'ok.a');
    const error = await linkErrorOf(() => listen(link, 'secret.a', 'crew'));
    expect(error).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('no right to subscribe to "secret.a" in queue group "crew"'),
    });
    expect(link.of('denied').map((event) => event.error)).toEqual([error]);
    link.send(message('ok.a', 'still here'));
    await vi.waitFor(() => expect(received).toEqual(['still here']));
  });

  test('a message that is not allowed is reported', async () => {
    const link = linkTo([withPassword()], { failFast: true });
    await link.open();
    link.send(message('secret.a', ''));
    await vi.waitFor(() =>
      expect(link.of('denied').map(({ error }) => error.message)).toEqual([
        expect.stringContaining('no right to publish to "secret.a"'),
      ]),
    );
  });

  test('a proof of a right is not misled by messages that are refused meanwhile, and is no event itself', async () => {
    const link = linkTo([withPassword()], { failFast: true });
    await link.open();
    const others = () => {
      for (let i = 0; i < 50; i++) link.send(message(`secret.${i}`, ''));
    };
    others();
    const proofs = ['secret.probe', 'ok.probe', 'secret.other'].map((destination) =>
      linkErrorOf(async () => {
        await link.prove?.({ kind: 'publish', destination });
        throw new LinkError('protocol', 'granted');
      }),
    );
    others();
    expect((await Promise.all(proofs)).map(({ code }) => code)).toEqual(['refused', 'protocol', 'refused']);
    await vi.waitFor(() => expect(link.of('denied')).toHaveLength(100));
    expect(link.of('denied').some(({ right }) => /probe|other/.test(right.destination))).toBe(false);
  });
});
