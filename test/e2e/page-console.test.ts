import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChromium, violationsOf } from '../support/chromium.ts';
import {
  type ConsoleWorld,
  connectConsole,
  discovered,
  openConsole,
  startConsoleWorld,
} from '../support/console-world.ts';
import { C1, C2, C3 } from '../support/mixed-world.ts';
import { NODE1, YAML_COLLECTIVE } from '../support/world.ts';

// The console of the live page in a real browser, with a real mcollectived and Choria nodes behind it.

let world: ConsoleWorld;
let browser: Browser;

beforeAll(async () => {
  [world, browser] = await Promise.all([startConsoleWorld(), startChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await world?.stop();
});

const connected = () => connectConsole(browser, world);

const asking = async (page: Page, agent: string, action: string) => {
  await page.getByLabel('Agent', { exact: true }).fill(agent);
  await page.getByLabel('Action', { exact: true }).fill(action);
};

describe('the console of the live page in a real browser', () => {
  it('calls nodes of both kinds, and asks nobody but the page and its ingress', async () => {
    const { page, console, problems, hosts } = await connected();
    expect(await violationsOf(page)).toEqual([]);

    await discovered(page, 'mcollective', [NODE1]);
    await asking(page, 'rpcutil', 'ping');
    await console.getByRole('button', { name: 'Call' }).click();
    await console.getByText('1 of 1 answered: all have answered').waitFor();
    await console.getByRole('row').filter({ hasText: NODE1 }).filter({ hasText: 'pong' }).waitFor();

    await discovered(page, YAML_COLLECTIVE, [C1, C2, C3]);
    await console.getByRole('checkbox', { name: C2 }).uncheck();
    await console.getByText('2 of 3 nodes are picked').waitFor();
    await console.getByLabel('Inputs, as JSON').fill('{"fact": "country"}');
    await asking(page, 'rpcutil', 'get_fact');
    await console.getByRole('button', { name: 'Call' }).click();
    await console.getByText('2 of 2 answered: all have answered').waitFor();
    for (const node of [C1, C3])
      await console.getByRole('row').filter({ hasText: node }).filter({ hasText: 'uk' }).waitFor();
    expect(await violationsOf(page)).toEqual([]);

    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await console.getByRole('button', { name: 'Copy as JSON' }).click();
    await console.getByText('Copied.').waitFor();
    const copied = JSON.parse(await page.evaluate('navigator.clipboard.readText()'));
    expect(copied).toMatchObject({
      question: { agent: 'rpcutil', action: 'get_fact', targets: [C1, C3], data: { fact: 'country' } },
      end: 'complete',
      replies: [{ data: { value: 'uk' } }, { data: { value: 'uk' } }],
    });
    expect(problems).toEqual([]);
    const refused = `new Promise((resolve) => {
      addEventListener('securitypolicyviolation', (it) => resolve(it.effectiveDirective));
      new WebSocket('ws://127.0.0.1:${world.ports.web + 1}');
    })`;
    expect(await page.evaluate(refused)).toBe('connect-src');
    expect([...hosts]).toEqual([`127.0.0.1:${world.ports.page}`]);
  });

  it('says beforehand what policy would say, and then the reason of the rule that denies', async () => {
    const { page, console, problems } = await connected();
    await discovered(page, 'mcollective', [NODE1]);
    const explain = console.getByRole('button', { name: 'What would policy say?' });
    await asking(page, 'rpcutil', 'ping');
    await explain.click();
    await console.getByText('Policy would let it pass.').waitFor();

    await asking(page, 'echo', 'echo');
    for (const button of [explain, console.getByRole('button', { name: 'Call' })]) {
      await button.click();
      await console
        .getByRole('alert')
        .filter({ hasText: /echo is for the owners of the machines \(denied_by_policy\)/ })
        .waitFor();
      expect(await violationsOf(page)).toEqual([]);
      await asking(page, 'rpcutil', 'ping');
      await explain.click();
      await console.getByText('Policy would let it pass.').waitFor();
      await asking(page, 'echo', 'echo');
    }
    expect(problems).toEqual([]);
  });

  it('cancels a call, and forgets the token when it disconnects', async () => {
    const { page, console } = await connected();
    await discovered(page, YAML_COLLECTIVE, [C1, C2, C3]);
    await asking(page, 'rpcutil', 'ping');
    await console.getByLabel('Ask all whom the filter matches').check();
    await console.getByRole('button', { name: 'Call' }).click();
    await console.getByText('3 answered: waiting').waitFor();
    await console.getByRole('button', { name: 'Cancel' }).click();
    await console.getByText('3 answered: cancelled').waitFor();
    await console.getByRole('button', { name: 'Disconnect' }).click();
    expect(await console.getByLabel('Token').inputValue()).toBe('');
    const kept = '[localStorage.length, sessionStorage.length, document.cookie.length]';
    expect(await page.evaluate(kept)).toEqual([0, 0, 0]);
  });

  it('is told what may be wrong where it is not let in', async () => {
    const { page, console } = await openConsole(browser, world);
    await console.getByLabel('Token').fill('not-a-token');
    await console.getByRole('button', { name: 'Connect' }).click();
    await console.getByRole('alert').filter({ hasText: `web has not let this page in` }).waitFor();
    expect(await violationsOf(page)).toEqual([]);
  });
});
