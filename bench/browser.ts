import { pathToFileURL } from 'node:url';
import { startChromium } from '../test/support/chromium.ts';
import { LONG_MS } from './browser-trace.ts';
import { callAll, type Measured, openConnected, type Whom } from './many-console.ts';
import { manyNames, startManyNodes } from './many-nodes.ts';
import { startManyWorld } from './many-world.ts';
import { type BenchResult, print } from './table.ts';
import { MANY_REPLIES } from './websocket-words.ts';

const MB = 1_000_000;

const rows = (what: string, { trace, took, heap }: Measured): BenchResult['rows'] => [
  { label: `${what}: ms until all are shown`, perSecond: took },
  { label: `${what}: times that the page was drawn`, perSecond: trace.frames },
  { label: `${what}: longest piece of work, ms of a processor`, perSecond: trace.longestCpu },
  { label: `${what}: the same, ms by the clock`, perSecond: trace.longest },
  { label: `${what}: pieces longer than ${LONG_MS} ms by the clock`, perSecond: trace.long },
  { label: `${what}: heap after that, MB`, perSecond: heap / MB },
  { label: `${what}: the most heap in between, MB`, perSecond: trace.heap / MB },
];

const WHOM: Readonly<Record<Whom, string>> = { everybody: 'one broadcast', picked: 'asked by name' };

/** (o) What a browser does with very many replies: Chromium, the live page's console, a bridge, a nats-server and nodes. */
export const benchBrowser = async (): Promise<BenchResult> => {
  const world = await startManyWorld();
  const browser = await startChromium();
  try {
    await startManyNodes(await world.connect(), manyNames(MANY_REPLIES));
    const page = await openConnected(browser, world);
    const broadcast = await callAll(page, 'everybody', MANY_REPLIES);
    await page.getByRole('button', { name: 'Cancel' }).click();
    const named = await callAll(page, 'picked', MANY_REPLIES);
    return {
      name: `(o) ${MANY_REPLIES.toLocaleString('en-US')} nodes that answer 200 bytes each into the console of the live page`,
      goal: `no piece of work above ${LONG_MS} ms, heap below 150 MB`,
      rows: [...rows(WHOM.everybody, broadcast), ...rows(WHOM.picked, named)],
    };
  } finally {
    await browser.close();
    await world.stop();
  }
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) print(await benchBrowser());
