import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPage, pageUrl, startChromium } from '../support/chromium.ts';
import { DISCOVERY } from '../support/mcollectived.ts';
import { C1, type MixedWorld, startMixedWorld } from '../support/mixed-world.ts';
import { NODE1 } from '../support/world.ts';

let mixed: MixedWorld;
let browser: Browser;

beforeAll(async () => {
  [mixed, browser] = await Promise.all([
    startMixedWorld({
      legacy: [NODE1],
      changes: (config) => ({ ...config, page: { listen: '127.0.0.1:0' } }),
    }),
    startChromium(),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await mixed?.stop();
});

it('the live page shows what an unmodified mco asks, and its replies of Choria nodes', async () => {
  const { page, problems } = await openPage(browser, await pageUrl(mixed.bridge));
  await page.getByText('ready', { exact: true }).waitFor();
  const { stdout } = await mixed.mco.marshal.run('rpc', 'rpcutil', 'ping', '-I', C1, ...DISCOVERY);
  expect(stdout).toContain(C1);
  const row = page.getByRole('row').filter({ hasText: 'rpcutil.ping' });
  await row.getByText('cert=alice → choria=alice').waitFor();
  await row.getByText('1 ok').waitFor();
  await row.getByRole('button').click();
  const opened = page.getByRole('region', { name: 'One request' });
  await opened.getByText(`${C1}: ok`).waitFor();
  await opened.getByText('MCollective request', { exact: true }).waitFor();
  await opened.getByText(/^Choria secure request/).waitFor();

  // Discovery taught the bridge who is there, on both sides.
  const nodes = page.getByRole('region', { name: 'Nodes', exact: true });
  await nodes.getByText('choria: 3 nodes, 3 there alone').first().waitFor();
  await nodes.getByText('legacy: 1 node, 1 there alone').first().waitFor();
  expect(problems).toEqual([]);
});
