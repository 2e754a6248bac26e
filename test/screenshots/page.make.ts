import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, it } from 'vitest';
import { startChromium } from '../support/chromium.ts';
import {
  type ConsoleWorld,
  connectConsole,
  discovered,
  startConsoleWorld,
} from '../support/console-world.ts';
import { DISCOVERY } from '../support/mcollectived.ts';
import { C1, C2, C3 } from '../support/mixed-world.ts';
import { YAML_COLLECTIVE } from '../support/world.ts';

const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url));

let world: ConsoleWorld;
let browser: Awaited<ReturnType<typeof startChromium>>;

beforeAll(async () => {
  mkdirSync(IMAGES, { recursive: true });
  [world, browser] = await Promise.all([startConsoleWorld(), startChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await world?.stop();
});

it.each(['light', 'dark'] as const)('the page and its console, %s', async (scheme) => {
  const { page, console } = await connectConsole(browser, world, scheme);
  const { mco } = world.mixed;
  for (const action of ['ping', 'agent_inventory', 'ping'])
    await mco.marshal.run('rpc', 'rpcutil', action, '-I', C1, ...DISCOVERY);
  await discovered(page, YAML_COLLECTIVE, [C1, C2, C3]);
  await console.getByLabel('Inputs, as JSON').fill('{"fact": "country"}');
  await console.getByLabel('Agent', { exact: true }).fill('rpcutil');
  await console.getByLabel('Action', { exact: true }).fill('get_fact');
  await console.getByRole('button', { name: 'Call' }).click();
  await console.getByText('3 of 3 answered').waitFor();
  await console.screenshot({ path: `${IMAGES}console-${scheme}.png` });
  await page.evaluate('scrollTo(0, 0)');
  await page.screenshot({ path: `${IMAGES}page-${scheme}.png` });
  await page.close();
});
