import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { z } from 'zod';
import type { BridgeProcess } from './bridge.ts';

/** Debian's Chromium, without its sandbox where root runs it, for there it has none. */
export const startChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });

/** Where the live page of a bridge is, once it is there. */
export const pageUrl = async (bridge: BridgeProcess): Promise<string> =>
  String((await bridge.line(({ event }) => event === 'page', 'where its page is'))['url']);

/** As long as `vi.waitFor` waits. */
const PATIENCE_MS = 60_000;

/** A page that is opened, and what went wrong in it, and which hosts it asked. */
export const openPage = async (browser: Browser, url: string, colorScheme: 'light' | 'dark' = 'light') => {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1300, height: 1000 } });
  page.setDefaultTimeout(PATIENCE_MS);
  const problems: string[] = [];
  const hosts = new Set<string>();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  await page.goto(url);
  return { page, problems, hosts };
};

const found = z.object({
  passes: z.array(z.unknown()),
  violations: z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) })),
});

/** What axe has against a page, each as the rule and the element. It comes past the page's own policy. */
export const violationsOf = async (page: Page): Promise<readonly string[]> => {
  await page.evaluate(axe.source);
  const { passes, violations } = found.parse(await page.evaluate('axe.run(document)'));
  if (passes.length < 10) throw new Error(`axe has looked at ${passes.length} rules only`);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
};
