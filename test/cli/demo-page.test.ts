import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { get, listen } from '../page/client.ts';
import { start } from '../support/process.ts';
import { program } from '../support/program.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

it('mcbridge demo --page serves the page with traffic, until it is interrupted', async () => {
  const demo = start(process.execPath, [MAIN, 'demo', '--page']);
  onTestFinished(() => demo.kill());
  await demo.waitFor(/Ctrl-C ends it/, 60_000);
  const [, url = ''] = /(http:\/\/127\.0\.0\.1:\d+)\//.exec(demo.log()) ?? [];
  const port = Number(new URL(url).port);
  expect(await get(port, '/')).toMatchObject({ status: 200, body: expect.stringContaining('app.js') });
  const { told } = await listen(port);
  const verdicts = (): readonly string[] =>
    told.flatMap(({ event, data }) =>
      ['snapshot', 'trail'].includes(event)
        ? (data.trail ?? data.lines).map(({ verdict }: { verdict: string }) => verdict)
        : [],
    );
  await vi.waitFor(() => expect([...new Set(verdicts())].toSorted()).toEqual(['allow', 'deny', 'refused']));
  demo.signal('SIGINT');
  expect(await demo.exited).toBe(0);
});

it('mcbridge demo --page prints no JSON', async () => {
  const { status, stderr } = await program('demo', '--page', '--json');
  expect(status).toBe(2);
  expect(stderr).toMatch(/--page.*--json|--json.*--page/);
});
