import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { freePort } from '../../src/testing/ports.ts';
import { openPage } from './chromium.ts';
import { type MixedConfig, type MixedWorld, startMixedWorld } from './mixed-world.ts';
import { AUDIENCE, makeTokenIssuer, type TokenIssuer } from './web-tokens.ts';
import { NODE1, YAML_COLLECTIVE } from './world.ts';

/** A mixed fleet, and a bridge with a live page that has a console. */
export interface ConsoleWorld {
  readonly mixed: MixedWorld;
  readonly issuer: TokenIssuer;
  readonly ports: Ports;
  stop(): Promise<void>;
}

interface Ports {
  readonly page: number;
  readonly web: number;
}

const POLICY = {
  rules: [
    { name: 'looks', agents: ['rpcutil'], verdict: 'allow' },
    { name: 'no-echo', agents: ['echo'], verdict: 'deny', reason: 'echo is for the owners of the machines' },
  ],
};

const withConsole = (config: MixedConfig, ports: Ports, { issuer }: TokenIssuer) => ({
  ...config,
  page: { listen: `127.0.0.1:${ports.page}` },
  ingresses: {
    ...config.ingresses,
    web: {
      type: 'websocket',
      listen: `127.0.0.1:${ports.web}`,
      origins: [`http://127.0.0.1:${ports.page}`],
      tokens: { issuer, audience: AUDIENCE, claim: 'email', jwks_file: 'jwks.json' },
    },
  },
  policies: { web: POLICY },
  routes: [
    ...config.routes,
    {
      from: 'web',
      to: 'legacy',
      collectives: ['mcollective'],
      identities: [{ regex: 'oidc=([a-z]+)@example\\.net', to: 'cert=$1' }],
      policy: 'web',
    },
    {
      from: 'web',
      to: 'choria',
      collectives: [YAML_COLLECTIVE],
      identities: [{ regex: 'oidc=([a-z]+)@example\\.net', to: 'choria=$1.mcollective' }],
      policy: 'web',
    },
  ],
});

export const startConsoleWorld = async (): Promise<ConsoleWorld> => {
  const issuer = makeTokenIssuer('https://login.example.net');
  const ports = { page: await freePort(), web: await freePort() };
  const mixed = await startMixedWorld({
    legacy: [NODE1],
    files: { 'jwks.json': issuer.jwks },
    changes: (config) => withConsole(config, ports, issuer),
  });
  return { mixed, issuer, ports, stop: () => mixed.stop() };
};

/** The page, opened, and its console. */
export const openConsole = async (
  browser: Browser,
  { ports }: ConsoleWorld,
  scheme: 'light' | 'dark' = 'light',
) => {
  const it = await openPage(browser, `http://127.0.0.1:${ports.page}/`, scheme);
  await it.page.getByText('ready', { exact: true }).waitFor();
  return { ...it, console: it.page.getByRole('region', { name: 'Console', exact: true }) };
};

/** With a token of alice's. */
export const connectConsole = async (browser: Browser, world: ConsoleWorld, scheme?: 'light' | 'dark') => {
  const it = await openConsole(browser, world, scheme);
  await it.console.getByLabel('Token').fill(world.issuer.token());
  await it.console.getByRole('button', { name: 'Connect' }).click();
  await it.console.getByText('as oidc=alice@example.net by web').waitFor();
  return it;
};

/** Discovers until those nodes are there, for they need a while after they have started. */
export const discovered = async (page: Page, collective: string, nodes: readonly string[]): Promise<void> => {
  await page.getByLabel('Collective').selectOption(collective);
  const found = page.getByText(`${nodes.length} of ${nodes.length} nodes are picked`);
  await expect
    .poll(
      async () => {
        await page.getByRole('button', { name: 'Discover' }).click();
        await page.locator('button:has-text("Discover"):enabled').waitFor();
        return found.count();
      },
      { timeout: 60_000 },
    )
    .toBe(1);
};
