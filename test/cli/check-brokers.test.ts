import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/testing/ports.ts';
import { type ActiveMq, startActiveMq } from '../support/activemq.ts';
import { type NatsServer, startNatsServer } from '../support/nats-server.ts';
import { makeAuthority } from '../support/pki.ts';
import { bridge, type CheckWorld, choriaCa, makeCheckWorld } from './check-world.ts';

let nats: NatsServer;
let activemq: ActiveMq;
let world: CheckWorld;
let closed: number;

beforeAll(async () => {
  const server = choriaCa.issue({ commonName: '127.0.0.1' });
  const tls = { ca: choriaCa.certificate, cert: server.certificate, key: server.privateKey };
  [nats, activemq, closed] = await Promise.all([
    startNatsServer({ tls }),
    startActiveMq({ tls }),
    freePort(),
  ]);
});

afterAll(async () => {
  await Promise.all([nats?.stop(), activemq?.stop()]);
});

/** What check says of the brokers of a configuration that differs from a good one. */
const faults = async (edit: (config: string) => string = (config) => config): Promise<readonly string[]> => {
  world = makeCheckWorld((config) =>
    edit(config.replace('nats://127.0.0.1:4222', nats.url).replace(':61613', `:${activemq.port}`)),
  );
  try {
    return (await world.faults({ online: true })).filter((fault) => fault.includes('.servers'));
  } finally {
    world.end();
  }
};

describe('mcbridge check, of real brokers,', () => {
  it('finds nothing where both let the bridge in', async () => {
    expect(await faults()).toEqual([]);
  });

  it('names every server of a pool that is not there', async () => {
    const found = await faults((config) =>
      config
        .replace(nats.url, `${nats.url}, nats://127.0.0.1:${closed}`)
        .replace(
          `stomp://127.0.0.1:${activemq.port}`,
          `stomp://127.0.0.1:${closed}, 127.0.0.1:${activemq.port}`,
        ),
    );
    expect(found).toEqual([
      expect.stringMatching(/^problem ingresses.federation.servers\[1\]: .*refused/),
      expect.stringMatching(/^problem egresses.legacy.servers\[0\]: .*connection refused/),
    ]);
  });

  it('finds a wrong STOMP password, and does not print it', async () => {
    const found = await faults((config) => config.replace('marionette', 'hunter2'));
    expect(found).toEqual([
      expect.stringMatching(/^problem egresses.legacy.servers\[0\]: .*(password|login)/i),
    ]);
    expect(found.join()).not.toContain('hunter2');
  });

  it('finds a NATS broker that does not know the client certificate', async () => {
    const other = makeAuthority('Other CA').issue({ commonName: 'mcbridge', keys: bridge });
    world = makeCheckWorld((config) =>
      config
        .replace('nats://127.0.0.1:4222', nats.url)
        .replace(':61613', `:${activemq.port}`)
        .replace('ca: ca.pem', 'ca: both.pem'),
    );
    world.write('both.pem', choriaCa.certificate + makeAuthority('Other CA').certificate);
    world.write('cert.pem', other.certificate);
    const found = await world.faults({ online: true });
    world.end();
    expect(found.filter((fault) => fault.includes('servers'))).toEqual([
      expect.stringMatching(/^problem ingresses.federation.servers\[0\]: .*certificate/),
    ]);
  });

  it('finds a CA that did not sign the STOMP broker', async () => {
    const secure = (config: string, tls: string) =>
      config
        .replace(`stomp://127.0.0.1:${activemq.port}`, `stomp+ssl://127.0.0.1:${activemq.tlsPort}`)
        .replace('    signing:', `    tls: ${tls}\n    signing:`);
    expect(await faults((config) => secure(config, '{ ca: ca.pem }'))).toEqual([]);
    expect(await faults((config) => secure(config, '{ verify: false }'))).toEqual([]);
    expect(await faults((config) => secure(config, '{}'))).toEqual([
      expect.stringMatching(/^problem egresses.legacy.servers\[0\]: .*certificate/),
    ]);
  });

  it('refuses to go on without TLS where the broker offers none', async () => {
    const plain = await startNatsServer();
    try {
      const found = await faults((config) => config.replace(nats.url, plain.url));
      expect(found).toEqual([expect.stringMatching(/^problem ingresses.federation.servers\[0\]: .*TLS/)]);
    } finally {
      await plain.stop();
    }
  });

  it('does not try brokers whose TLS files are wrong', async () => {
    expect(await faults((config) => config.replace('ca: ca.pem', 'ca: nowhere.pem'))).toEqual([
      'skipped ingresses.federation.servers: not tried, because of the problems with tls',
    ]);
  });
});
