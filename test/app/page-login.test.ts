import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Services } from '../../src/app/services.ts';
import { startPage } from '../../src/page/server.ts';
import { freePort } from '../../src/testing/ports.ts';
import { MemoryBroker, NATS_RULES } from '../../src/transport/memory/broker.ts';
import { makeFolder } from '../audit/world.ts';
import { get, listen } from '../page/client.ts';
import { authority, bearer, issuer, over, renewedTls, SERVER_TLS } from '../page/login-world.ts';
import { changingFiles } from './files/changing-files.ts';
import { configOf, KEYS, makeAppWorld, memoryBrokers } from './world.ts';

// Who may see the live page, by the configuration and its files, while the app runs.

const page: NonNullable<Services['page']> = (options) => {
  const folder = makeFolder();
  writeFileSync(join(folder, 'index.html'), 'the page');
  return startPage({ ...options, folder });
};

const WEB = `  web:
    type: websocket
    listen: 127.0.0.1:8443
    tokens: { issuer: '${issuer.issuer}', audience: mcbridge, jwks_file: jwks.json, claim: email }
`;
const FROM_WEB = `  - from: web
    to: legacy
    collectives: [mcollective]
    identities: [{ exact: oidc=alice, to: cert=alice }]
`;
const ALLOW = "allow: ['oidc=alice@example.net']";
const TLS = 'tls: { cert: page.pem, key: page.key }';

const startedApp = async () => {
  const port = await freePort();
  const withPage = (keys: string) =>
    configOf({
      change: (text) =>
        `${text
          .replace('ingresses:\n', `ingresses:\n${WEB}`)
          .replace(
            'routes:\n',
            `routes:\n${FROM_WEB}`,
          )}page: { listen: '127.0.0.1:${port}', login: web, ${keys} }\n`,
    });
  const keys = changingFiles(KEYS);
  const put = ({ cert, key }: { readonly cert: string; readonly key: string }): void => {
    keys.write('/app/page.pem', cert);
    keys.write('/app/page.key', key);
  };
  keys.write('/app/jwks.json', issuer.jwks);
  put(SERVER_TLS);
  const { link, transports } = memoryBrokers();
  const sessions = new MemoryBroker(NATS_RULES);
  const world = await makeAppWorld({
    link,
    transports: {
      open: (spec, options) => (spec.name === 'web' ? sessions.link() : transports.open(spec, options)),
    },
  });
  const app = world.app(withPage(`${ALLOW}, ${TLS}`), { page, keys, fileTimes: { every: 20, within: 20 } });
  await app.start();
  onTestFinished(async () => {
    await app.stop();
    await world.end();
  });
  return { app, port, withPage, put, world };
};

const nameAt = (port: number): Promise<string | string[] | undefined> =>
  new Promise((done, fail) => {
    const socket = connect({ host: '127.0.0.1', port, ca: authority.certificate }, () => {
      done(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    });
    socket.once('error', fail);
  });

it('asks as the ingress does, and follows another list of who may', async () => {
  const { app, port, withPage, world } = await startedApp();
  const bob = bearer(issuer.token({ email: 'bob@example.net' }));
  const asked = async (headers: Record<string, string>) =>
    (await get(port, '/who', headers, 'GET', over())).status;
  expect([await asked({}), await asked(bearer()), await asked(bob)]).toEqual([401, 200, 403]);
  const { ended } = await listen(port, bearer(), over());
  await app.apply(withPage(`allow: ['/oidc=bob@.+/'], ${TLS}`));
  await ended;
  expect([await asked({}), await asked(bearer()), await asked(bob)]).toEqual([401, 403, 200]);
  const events = world.log.map(({ fields }) => fields['event']);
  expect(events.filter((event) => event === 'page_viewer')).toHaveLength(1);
  expect(events.filter((event) => event === 'page_refused')).toHaveLength(1);
});

it('takes over its certificate when the files change, with who looks at it', async () => {
  const { app, port, put } = await startedApp();
  const { told } = await listen(port, bearer(), over());
  expect(await nameAt(port)).toBe('bridge.example.net');
  const next = renewedTls();
  put({ ...next, key: SERVER_TLS.key });
  await vi.waitFor(() => expect(app.status().refusedFiles).toMatchObject([{ link: 'page' }]));
  expect(await nameAt(port)).toBe('bridge.example.net');
  put(next);
  await vi.waitFor(async () => expect(await nameAt(port)).toBe('renewed.example.net'));
  await vi.waitFor(() => expect(app.status().refusedFiles).toEqual([]));
  const seen = told.length;
  await vi.waitFor(() => expect(told.length).toBeGreaterThan(seen));
  expect(app.status().certificates).toContainEqual(expect.objectContaining({ link: 'page' }));
});

it('refuses what it cannot become at the same address, and stays as it is', async () => {
  const { app, port, withPage } = await startedApp();
  await expect(app.apply(withPage(ALLOW))).rejects.toThrow(
    /page\.listen: 127\.0\.0\.1:\d+ speaks HTTPS and would speak plain HTTP: give another port, or restart the bridge/,
  );
  expect((await get(port, '/who', bearer(), 'GET', over())).status).toBe(200);
});
