import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openPage, pageUrl, startChromium, violationsOf } from '../support/chromium.ts';
import { NODE1, startWorld, type World } from '../support/world.ts';

let world: World;
let browser: Browser;

beforeAll(async () => {
  [world, browser] = await Promise.all([startWorld({ nodes: [NODE1] }), startChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await world?.stop();
});

const servedPage = async () => {
  const bridge = await world.bridge((config) => ({ ...config, page: { listen: '127.0.0.1:0' } }));
  const stop = () => bridge.stop();
  onTestFinished(async () => void (await stop()));
  return { url: await pageUrl(bridge), stop };
};

const colourOf = (selector: string): string =>
  `getComputedStyle(document.querySelector(${JSON.stringify(selector)})).stroke`;

const ping = async () => {
  const client = await world.client();
  return client.rpc({
    agent: 'rpcutil',
    action: 'ping',
    data: {},
    targets: [NODE1],
    expect: 1,
    timeout: 60_000,
  });
};

describe('the live page in a real browser', () => {
  it('shows a request as it is answered, opens it by keyboard alone, and asks nobody else', async () => {
    const { url } = await servedPage();
    const { page, problems, hosts } = await openPage(browser, url);
    await page.getByText('ready', { exact: true }).waitFor();
    await ping();
    const row = page.getByRole('row').filter({ hasText: 'rpcutil.ping' });
    await row.getByText('1 ok').waitFor();
    await row.getByText('choria=alice.mcollective → cert=alice').waitFor();

    await page.getByLabel('Filter').focus();
    await page.keyboard.type('caller:nobody');
    await page.getByText('0 of 1 requests').waitFor();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('verdict:allowed alice');
    await page.getByText('1 of 1 requests').waitFor();
    expect(await violationsOf(page)).toEqual([]);

    const focused = row.locator('button:focus');
    for (let tabs = 0; tabs < 10 && (await focused.count()) === 0; tabs++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const opened = page.getByRole('region', { name: 'One request' });
    await opened.getByText(`${NODE1}: ok`).waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await opened.waitFor({ state: 'detached' });
    await focused.waitFor();

    expect(problems).toEqual([]);
    expect([...hosts]).toEqual([new URL(url).host]);
  });

  it('turns a broker red that is killed, with the reason, and back once it is there again; in the dark too', async () => {
    const { url } = await servedPage();
    const { page, problems } = await openPage(browser, url, 'dark');
    await page.getByText('ready', { exact: true }).waitFor();
    expect(await page.locator('.box.down').count()).toBe(0);
    const well = await page.evaluate(colourOf('.box.up rect'));
    await world.activemq.kill();
    let isDown = true;
    onTestFinished(async () => {
      if (isDown) await world.activemq.restart();
    });
    await page.locator('.box.down').filter({ hasText: 'legacy_yaml' }).waitFor();
    const reason = page.locator('.troubles li').filter({ hasText: /^legacy not connected: / });
    await reason.waitFor();
    expect(await reason.textContent()).toMatch(/ECONNREFUSED|refused|closed|connection/i);
    expect(await page.evaluate(colourOf('.box.down rect'))).not.toBe(well);
    expect(await page.evaluate(colourOf('.box.down rect'))).toBe('rgb(255, 157, 148)');
    expect(await violationsOf(page)).toEqual([]);
    await world.activemq.restart();
    isDown = false;
    await page.getByText('ready', { exact: true }).waitFor();
    expect(await page.locator('.box.down').count()).toBe(0);
    expect(problems).toEqual([]);
  });

  it('says that what it shows is old where the bridge has gone', async () => {
    const { url, stop } = await servedPage();
    const { page } = await openPage(browser, url);
    await page.getByText('ready', { exact: true }).waitFor();
    await stop();
    await page.getByRole('alert').filter({ hasText: 'what is shown is old' }).waitFor();
    expect(await violationsOf(page)).toEqual([]);
  });
});
