import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { LinkError } from '../../../src/transport/link.ts';
import { type ActiveMq, startActiveMq } from '../../support/activemq.ts';
import { makeAuthority } from '../../support/pki.ts';
import { closeLinks, collect, linkTo, outgoing, unique, until } from './harness.ts';

const authority = makeAuthority('Legacy CA');
const server = authority.issue({ commonName: 'broker.example.net' });
const ca = authority.certificate;

let broker: ActiveMq;

beforeAll(async () => {
  // Java's own list has TLSv1 in it; this one leaves nothing else.
  broker = await startActiveMq({
    tls: { key: server.privateKey, cert: server.certificate, ca },
    javaSecurity: 'jdk.tls.disabledAlgorithms=SSLv3, TLSv1.1, TLSv1.2, TLSv1.3\n',
  });
});
afterEach(closeLinks);
afterAll(() => broker.stop());

const at = (tls: { readonly minVersion?: 'TLSv1'; readonly ciphers?: string }) =>
  linkTo([{ host: '127.0.0.1', port: broker.tlsPort ?? 0, tls: { ca, verify: true, ...tls } }], broker, {
    failFast: true,
  });

test('an ActiveMQ that speaks TLS 1.0 alone hangs up, and the hint names what to set', async () => {
  const error: unknown = await at({})
    .link.open()
    .catch((reason: unknown) => reason);
  if (!(error instanceof LinkError)) throw new Error(`no LinkError but ${String(error)}`);
  // It says nothing of versions: it hangs up.
  expect(error.hint()).toMatch(/tls\.min_version.*tls\.ciphers/);
});

test('and carries messages where the settings say so', async () => {
  const { link } = at({ minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' });
  await link.open();
  const queue = unique();
  const { bodies } = await collect(link, queue);
  link.send(outgoing(queue, 'hello'));
  await until(() => bodies().length === 1, 'the message came');
  expect(bodies()).toEqual(['hello']);
});
