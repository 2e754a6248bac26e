import { afterAll, beforeAll, expect, it } from 'vitest';
import { callAll, openConnected } from '../../bench/many-console.ts';
import { manyNames, startManyNodes } from '../../bench/many-nodes.ts';
import { type ManyWorld, startManyWorld } from '../../bench/many-world.ts';
import { startChromium } from '../support/chromium.ts';

// The console of the live page in a real browser, a bridge, and so many nodes on a real nats-server that answer at once.

const COUNT = 10_000;
const MOST_HEAP = 150_000_000;

let world: ManyWorld;
let browser: Awaited<ReturnType<typeof startChromium>>;

beforeAll(async () => {
  [world, browser] = await Promise.all([startManyWorld(), startChromium()]);
  await startManyNodes(await world.connect(), manyNames(COUNT));
});
afterAll(async () => {
  await browser?.close();
  await world?.stop();
});

it('ten thousand replies are all counted and all in the JSON, with few rows and little memory', async () => {
  const page = await openConnected(browser, world);
  const { trace, heap } = await callAll(page, 'everybody', COUNT);
  expect(trace.heap).toBeGreaterThan(heap / 2);
  expect(trace.heap).toBeLessThan(MOST_HEAP);
  expect(heap).toBeLessThan(MOST_HEAP);

  const console = page.getByRole('region', { name: 'Console', exact: true });
  expect(await console.getByRole('region', { name: 'Answers' }).locator('tbody tr').count()).toBe(200);
  await console.getByText('The first 200 are shown; the JSON has all.').waitFor();
  await console.getByRole('button', { name: 'Cancel' }).click();
  await console.getByText(`${COUNT} answered: cancelled`).waitFor();

  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await console.getByRole('button', { name: 'Copy as JSON' }).click();
  await console.getByText('Copied.').waitFor();
  const copied: {
    readonly replies: readonly { readonly seq: number; readonly sender: string }[];
    readonly missed: number;
    readonly stats: object;
  } = JSON.parse(await page.evaluate('navigator.clipboard.readText()'));
  expect(copied).toMatchObject({ missed: 0, stats: { replies: COUNT, ok: COUNT, missed: 0 } });
  expect(new Set(copied.replies.map(({ sender }) => sender))).toEqual(new Set(manyNames(COUNT)));
  expect(copied.replies.map(({ seq }) => seq)).toEqual(manyNames(COUNT).map((_, at) => at + 1));
});
