import type { Browser, Page } from 'playwright-core';
import { openPage } from '../test/support/chromium.ts';
import { CATEGORIES, readTrace, type Traced } from './browser-trace.ts';
import type { ManyWorld } from './many-world.ts';

const MOST_DISCOVERIES = 10;

/** How nodes are asked: by their names, which the page has discovered and picked, or all whom the filter matches. */
export type Whom = 'picked' | 'everybody';

export interface Measured {
  /** What happened from the click until all replies were shown. */
  readonly trace: Traced;
  /** Ms of that. */
  readonly took: number;
  /** Bytes in use in the page once all are there, after a collection. */
  readonly heap: number;
}

/** The page of a world, whose console is connected with a token. */
export const openConnected = async (browser: Browser, world: ManyWorld): Promise<Page> => {
  const { page } = await openPage(browser, world.page);
  await page.getByLabel('Token').fill(world.issuer.token());
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.getByText('as oidc=alice@example.net by web').waitFor();
  await page.getByLabel('Agent', { exact: true }).fill('rpcutil');
  await page.getByLabel('Action', { exact: true }).fill('ping');
  // Longer than a busy machine needs.
  await page.getByLabel('Seconds').fill('600');
  return page;
};

const heapOf = async (page: Page): Promise<number> => {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
};

/** Says whom the next call asks. */
const choose = async (page: Page, whom: Whom, count: number): Promise<void> => {
  const all = page.getByLabel('Ask all whom the filter matches');
  if (whom === 'everybody') return all.check();
  await all.uncheck();
  const found = page.getByText(`${count} of ${count} nodes are picked`);
  // They have two seconds to say that they are there, which is little for so many on a busy machine.
  for (let n = 0; n < MOST_DISCOVERIES && (await found.count()) === 0; n++) {
    await page.getByRole('button', { name: 'Discover' }).click();
    await page.locator('button:has-text("Discover"):enabled').waitFor();
  }
  await found.waitFor();
};

/** One call by the console of a page, to so many nodes, which all answer. */
export const callAll = async (page: Page, whom: Whom, count: number): Promise<Measured> => {
  const browser = page.context().browser();
  if (browser === null) throw new Error('the page has no browser');
  await choose(page, whom, count);
  await browser.startTracing(page, { screenshots: false, categories: [...CATEGORIES] });
  const since = performance.now();
  await page.getByRole('button', { name: 'Call', exact: true }).click();
  const all = whom === 'picked' ? `${count} of ${count} answered: all` : `${count} answered`;
  await page.getByText(all).waitFor();
  const took = performance.now() - since;
  const trace = readTrace((await browser.stopTracing()).toString());
  return { trace, took, heap: await heapOf(page) };
};
