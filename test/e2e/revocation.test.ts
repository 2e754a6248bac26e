import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BridgeProcess, LogLine } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { startNatsServer } from '../support/nats-server.ts';
import { type RevokedEntry, revocationList } from '../support/revocation-list.ts';
import { type BridgeConfig, NODE1, startWorld, type World } from '../support/world.ts';

const HOUR = 3_600_000;
let world: World;
let bridge: BridgeProcess;
let alice: ChoriaClient;
/** Alice's certificate, and the one of the STOMP broker. */
let revoked: string;
let stomp: string;

/** Puts a file in the place of another as a CA's own tools do: at once. */
const put = (name: string, text: string): void => {
  world.files.write(`${name}.new`, text);
  renameSync(join(world.files.folder, `${name}.new`), join(world.files.folder, name));
};

const list = (revoked: readonly RevokedEntry[] = [], hours = 24): string =>
  revocationList({
    issuer: world.authority,
    revoked,
    thisUpdate: new Date(Date.now() - 48 * HOUR),
    nextUpdate: new Date(Date.now() + hours * HOUR),
  });

const ping = { agent: 'rpcutil', action: 'ping', targets: [NODE1], expect: 1 } as const;

const answer = async (who: ChoriaClient) => {
  const [reply, ...more] = await who.rpc(ping);
  expect(more).toEqual([]);
  return { code: reply?.rpc?.statuscode, says: reply?.rpc?.statusmsg ?? '' };
};

const withLists =
  (callers: object) =>
  (config: BridgeConfig): object => ({
    ...config,
    ingresses: {
      federation: {
        ...config.ingresses.federation,
        callers: { ca: 'ca.pem', ...callers },
      },
    },
  });

beforeAll(async () => {
  world = await startWorld({
    nodes: [NODE1],
    activemq: (authority) => {
      const identity = authority.issue({ commonName: 'activemq.example.net' });
      stomp = identity.certificate;
      return {
        tls: { ca: authority.certificate, cert: identity.certificate, key: identity.privateKey },
      };
    },
  });
  put('crl.pem', list());
  bridge = await world.bridge(withLists({ crl: 'crl.pem' }));
  const { certificate, privateKey: key } = world.authority.issue({ commonName: 'alice.mcollective' });
  revoked = certificate;
  alice = await world.client({ certificate, key });
});

afterAll(() => world?.stop());

describe('a list of revoked certificates', () => {
  test('shuts a caller out with his next request, and nobody else', async () => {
    expect((await answer(alice)).code).toBe(0);
    put('crl.pem', list([{ certificate: revoked, reason: 1 }]));
    const { code, says } = await answer(alice);
    expect(code).toBe(5);
    expect(says).toMatch(
      /the certificate of alice\.mcollective was revoked at .* by "?mcbridge test CA"?: its key was compromised \(certificate_revoked\)/,
    );
    expect(await bridge.line((it) => it['reason'] === 'certificate_revoked', 'the refusal')).toMatchObject({
      caller: 'choria=alice.mcollective',
    });
  });

  test('lets him in again where it does not name him any more', async () => {
    put('crl.pem', list());
    expect((await answer(alice)).code).toBe(0);
  });

  test('is kept while what comes after it cannot be used, which is said once', async () => {
    put('crl.pem', list([{ certificate: revoked }]));
    expect((await answer(alice)).code).toBe(5);
    put('crl.pem', 'half a file');
    expect((await answer(alice)).says).toContain('(certificate_revoked)');
    expect((await answer(alice)).says).toContain('(certificate_revoked)');
    const line = await bridge.line((it) => it['event'] === 'crl_unusable', 'the broken list');
    expect(line.msg).toMatch(/crl\.pem cannot be used: .*; what it held before is used until/);
    put('crl.pem', list());
    expect((await answer(alice)).code).toBe(0);
  });

  test('that has expired counts no more, and its callers are told', async () => {
    put('crl.pem', list([], -1));
    const { code, says } = await answer(alice);
    expect(code).toBe(5);
    expect(says).toMatch(/of "?mcbridge test CA"? in crl\.pem expired at .*\(revocation_unknown\)/);
    put('crl.pem', list());
    expect((await answer(alice)).code).toBe(0);
  });

  test('is in the metrics with the time when the next one is due', async () => {
    expect((await answer(alice)).code).toBe(0);
    const url = (await bridge.line((it) => it.event === 'http', 'the address of the metrics'))['url'];
    const text = await (await fetch(new URL('/metrics', String(url)))).text();
    const [, at] =
      /^mcbridge_crl_next_update_timestamp_seconds\{file=".*crl\.pem"\} (\S+)$/m.exec(text) ?? [];
    expect(Number(at) * 1000).toBeGreaterThan(Date.now() + 23 * HOUR);
  });
});

describe('a broker whose certificate is revoked', () => {
  const refusal = (one: BridgeProcess): Promise<LogLine> =>
    one.line((it) => it['event'] === 'connection_failed', 'the broker that is refused');

  test('is not spoken to over NATS', async () => {
    const { certificate: cert, privateKey: key } = world.authority.issue({ commonName: 'nats.example.net' });
    const nats = await startNatsServer({ tls: { ca: world.authority.certificate, cert, key } });
    put('brokers.pem', list([{ certificate: cert }]));
    const line = await refusal(
      world.launch((config) => {
        const { federation } = config.ingresses;
        const tls = { ...federation.tls, crl: 'brokers.pem' };
        return { ...config, ingresses: { federation: { ...federation, servers: [nats.url], tls } } };
      }),
    );
    await nats.stop();
    expect(JSON.stringify(line)).toMatch(/nats\.example\.net was revoked at .* by .*mcbridge test CA/);
  });

  test('is not spoken to over STOMP', async () => {
    put('brokers.pem', list([{ certificate: stomp }]));
    const secure = (config: BridgeConfig): object => {
      const { legacy } = config.egresses;
      const tls = { ca: 'ca.pem', crl: 'brokers.pem' };
      const servers = [`stomp+ssl://127.0.0.1:${world.activemq.tlsPort}`];
      return { ...config, egresses: { ...config.egresses, legacy: { ...legacy, servers, tls } } };
    };
    const line = await refusal(world.launch(secure));
    expect(JSON.stringify(line)).toMatch(/activemq\.example\.net was revoked at .* by .*mcbridge test CA/);
  });

  const left = (one: BridgeProcess): Promise<LogLine> =>
    one.line((it) => it['event'] === 'disconnected', 'the broker that is left');

  test('is left over NATS where it was revoked while the connection stood, and not come back to', async () => {
    const { certificate: cert, privateKey: key } = world.authority.issue({ commonName: 'nats.example.net' });
    const nats = await startNatsServer({ tls: { ca: world.authority.certificate, cert, key } });
    put('standing.pem', list());
    const one = await world.bridge((config) => {
      const { federation } = config.ingresses;
      const tls = { ...federation.tls, crl: 'standing.pem' };
      return { ...config, ingresses: { federation: { ...federation, servers: [nats.url], tls } } };
    });
    put('standing.pem', list([{ certificate: cert }]));
    expect((await left(one))['reason']).toMatch(/nats\.example\.net was revoked at .* by .*mcbridge test CA/);
    expect((await refusal(one))['reason']).toMatch(/nats\.example\.net was revoked/);
    put('standing.pem', list());
    const isBack = (it: LogLine): boolean => it.event === 'connected' && it['link'] === 'federation';
    await vi.waitFor(() => expect(one.lines().filter(isBack)).toHaveLength(2));
    await one.stop();
    await nats.stop();
  });

  test('is left over STOMP where it was revoked while the connection stood', async () => {
    put('standing-stomp.pem', list());
    const one = await world.bridge((config) => {
      const { legacy } = config.egresses;
      const tls = { ca: 'ca.pem', crl: 'standing-stomp.pem' };
      const servers = [`stomp+ssl://127.0.0.1:${world.activemq.tlsPort}`];
      return { ...config, egresses: { ...config.egresses, legacy: { ...legacy, servers, tls } } };
    });
    put('standing-stomp.pem', list([{ certificate: stomp }]));
    expect((await left(one))['reason']).toMatch(/activemq\.example\.net was revoked at .*/);
    expect((await refusal(one))['reason']).toMatch(/activemq\.example\.net was revoked/);
    await one.stop();
  });
});
