import { connect } from 'node:tls';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../src/testing/ports.ts';
import type { BridgeProcess } from '../support/bridge.ts';
import { openPage, startChromium, violationsOf } from '../support/chromium.ts';
import { discovered } from '../support/console-world.ts';
import { startLoginProxy } from '../support/login-proxy.ts';
import { AUDIENCE, makeTokenIssuer } from '../support/web-tokens.ts';
import { type BridgeConfig, NODE1, startWorld, type World } from '../support/world.ts';

// The live page with a login, over TLS, in a real browser.

const issuer = makeTokenIssuer('https://login.example.net');
const ALLOW = ['oidc=alice@example.net', 'cert=alice.page'];
let world: World;
let browser: Browser;
let bridge: BridgeProcess;
let ports: { readonly page: number; readonly web: number; readonly proxy: number };

const withLogin = (config: BridgeConfig, allow: readonly string[]) => ({
  ...config,
  page: { listen: `127.0.0.1:${ports.page}`, login: 'web', allow },
  ingresses: {
    ...config.ingresses,
    web: {
      type: 'websocket',
      listen: `127.0.0.1:${ports.web}`,
      tls: { cert: 'web-cert.pem', key: 'web-key.pem' },
      clients: { ca: 'ca.pem' },
      tokens: {
        issuer: issuer.issuer,
        audience: AUDIENCE,
        claim: 'email',
        jwks_file: 'jwks.json',
        leeway: 0,
      },
      origins: [`http://127.0.0.1:${ports.proxy}`],
      url: `ws://127.0.0.1:${ports.proxy}/ws`,
    },
  },
  routes: [
    ...config.routes,
    {
      from: 'web',
      to: 'legacy',
      collectives: ['mcollective'],
      identities: [{ regex: 'oidc=([a-z]+)@example\\.net', to: 'cert=$1' }],
    },
  ],
});

const writeCertificate = (commonName: string): void => {
  const { certificate, privateKey } = world.authority.issue({ commonName, dnsNames: ['localhost'] });
  world.files.write('web-cert.pem', certificate);
  world.files.write('web-key.pem', privateKey);
};

const reload = async (config: BridgeConfig & object, allow: readonly string[]): Promise<void> => {
  const before = bridge.lines().filter(({ event }) => event === 'config_reloaded').length;
  world.files.configure(withLogin(config, allow), 'bridge1.yaml');
  bridge.child.signal('SIGHUP');
  await expect
    .poll(() => bridge.lines().filter(({ event }) => event === 'config_reloaded').length, { timeout: 60_000 })
    .toBe(before + 1);
};

let given: BridgeConfig;

beforeAll(async () => {
  [world, browser] = await Promise.all([startWorld({ nodes: [NODE1] }), startChromium()]);
  ports = { page: await freePort(), web: await freePort(), proxy: await freePort() };
  writeCertificate('bridge.example.net');
  world.files.write('jwks.json', issuer.jwks);
  bridge = await world.bridge((config) => {
    given = config;
    return withLogin(config, ALLOW);
  });
});
afterAll(async () => {
  await browser?.close();
  await world?.stop();
});

const url = () => `https://127.0.0.1:${ports.page}/`;

/** Of a browser that trusts the page's certificate, with or without one of its own. */
const opened = async (certificate?: { readonly cert: Buffer; readonly key: Buffer }): Promise<Page> => {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    ...(certificate && { clientCertificates: [{ origin: new URL(url()).origin, ...certificate }] }),
  });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(url());
  return page;
};

const paste = async (page: Page, token: string): Promise<void> => {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Show the page' }).click();
};

const said = (page: Page, sentence: string | RegExp) =>
  page.getByRole('alert').filter({ hasText: sentence }).waitFor();

const ready = (page: Page) => page.getByText('ready', { exact: true }).waitFor();

const textOf = (page: Page): Promise<string> => page.evaluate('document.documentElement.innerHTML');

describe('the live page with a login in a real browser', () => {
  it('shows nothing until a token is pasted of who may see it, and nothing once it is forgotten', async () => {
    const page = await opened();
    await said(page, 'Who is it? a bearer token or a client certificate is needed.');
    expect(await violationsOf(page)).toEqual([]);
    for (const [token, sentence] of [
      ['x', 'it is no signed JWT'],
      [makeTokenIssuer(issuer.issuer).token(), 'its signature does not hold'],
      [issuer.token({ email: 'bob@example.net' }), 'oidc=bob@example.net may not see this page.'],
    ] as const) {
      await paste(page, token);
      await said(page, sentence);
      expect(await textOf(page)).not.toMatch(/bridge1\.example\.net|federation|legacy/);
    }
    await paste(page, issuer.token());
    await ready(page);
    const client = await world.client();
    await client.rpc({
      agent: 'rpcutil',
      action: 'ping',
      data: {},
      targets: [NODE1],
      expect: 1,
      timeout: 60_000,
    });
    const row = page.getByRole('row').filter({ hasText: 'rpcutil.ping' });
    await row.getByText('1 ok').waitFor();
    await row.getByRole('button').click();
    await page.getByRole('region', { name: 'One request' }).getByText(`${NODE1}: ok`).waitFor();
    expect(await violationsOf(page)).toEqual([]);
    expect(
      await page.evaluate('[localStorage.length, sessionStorage.length, document.cookie, location.search]'),
    ).toEqual([0, 0, '', '']);
    await page.getByRole('button', { name: 'Leave' }).click();
    await page.getByLabel('Token').waitFor();
    expect(await page.getByLabel('Token').inputValue()).toBe('');
    expect(await textOf(page)).not.toMatch(/bridge1\.example\.net|federation|rpcutil/);
  });

  it('shows nothing any more once the token has ended', async () => {
    const page = await opened();
    await page.getByLabel('Token').waitFor();
    await paste(page, issuer.token({ exp: Math.floor(Date.now() / 1000) + 20 }));
    await ready(page);
    await said(page, 'The token has ended.');
    expect(await textOf(page)).not.toMatch(/bridge1\.example\.net|federation/);
  });

  it('takes the certificate of a browser, keeps its stream while its own is renewed, and ends it for who may not see it any more', async () => {
    const { certificate, privateKey } = world.authority.issue({
      commonName: 'alice.page',
      usages: ['client'],
    });
    const page = await opened({ cert: Buffer.from(certificate), key: Buffer.from(privateKey) });
    await ready(page);
    const viewers = () =>
      bridge
        .lines()
        .filter(({ event, ['caller']: who }) => event === 'page_viewer' && who === 'cert=alice.page').length;
    expect(viewers()).toBe(1);

    writeCertificate('renewed.example.net');
    await reload(given, ALLOW);
    const name = await new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: ports.page, ca: world.authority.certificate }, () => {
        resolve(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      });
      socket.once('error', reject);
    });
    expect(name).toBe('renewed.example.net');
    const client = await world.client();
    await client.rpc({
      agent: 'rpcutil',
      action: 'inventory',
      data: {},
      targets: [NODE1],
      expect: 1,
      timeout: 60_000,
    });
    await page.getByRole('row').filter({ hasText: 'rpcutil.inventory' }).getByText('1 ok').waitFor();
    expect(viewers()).toBe(1);

    await reload(given, ['oidc=alice@example.net']);
    await said(page, 'cert=alice.page may not see this page.');
    await reload(given, ALLOW);
  });

  it('needs no pasted token behind a proxy that says who it is, and neither does its console', async () => {
    const token = issuer.token();
    const proxy = await startLoginProxy({
      ca: world.authority.certificate,
      ...ports,
      port: ports.proxy,
      token: () => token,
    });
    onTestFinished(() => proxy.close());
    const { page, problems } = await openPage(browser, `http://127.0.0.1:${proxy.port}/`);
    await ready(page);
    const console = page.getByRole('region', { name: 'Console', exact: true });
    expect(await console.getByLabel('Token').inputValue()).toBe('');
    await console.getByRole('button', { name: 'Connect' }).click();
    await console.getByText('as oidc=alice@example.net by web').waitFor();
    await discovered(page, 'mcollective', [NODE1]);
    await page.getByLabel('Agent', { exact: true }).fill('rpcutil');
    await page.getByLabel('Action', { exact: true }).fill('ping');
    await console.getByRole('button', { name: 'Call' }).click();
    await console.getByText('1 of 1 answered: all have answered').waitFor();
    expect(problems).toEqual([]);
    // Nothing that proves who somebody is gets into the log.
    expect(bridge.child.log()).not.toContain(token.split('.')[2]);
  });
});
