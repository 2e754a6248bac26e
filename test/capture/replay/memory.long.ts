import { createWriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../support/process.ts';
import { requestsOf } from './requests.ts';
import { linesIn, makeWorld, type World } from './world.ts';

const REPLAY = fileURLToPath(new URL('../../../dist/capture/replay/replay.js', import.meta.url));
const APP = fileURLToPath(new URL('../../../dist/app/app.js', import.meta.url));
const REGISTRY = fileURLToPath(new URL('../../../dist/adapters/registry.js', import.meta.url));
const LOAD = fileURLToPath(new URL('../../../dist/setup/load.js', import.meta.url));

/** Peak of the heap after a collection at every so many megabytes of the file, in a process of its own. */
const PROGRAM = `
import { replayCassette } from ${JSON.stringify(REPLAY)};
import { createApp } from ${JSON.stringify(APP)};
import { loadConfig } from ${JSON.stringify(LOAD)};
import { BUILT_IN } from ${JSON.stringify(REGISTRY)};
const [file, config] = process.argv.slice(1);
let peak = 0;
const timer = setInterval(() => {
  globalThis.gc();
  peak = Math.max(peak, process.memoryUsage().heapUsed + process.memoryUsage().external);
}, 50);
const { outcome, fed, same, different } = await replayCassette(file, loadConfig(config, {}, BUILT_IN), { version: '0', createApp });
clearInterval(timer);
console.log(JSON.stringify({ outcome, fed, same, different, peak }));
`;

const COUNT = 20_000;

let world: World;
let config: string;

beforeAll(() => {
  world = makeWorld();
  config = world.config();
});

afterAll(() => world.end());

const replayAlone = async (file: string) => {
  const args = ['--expose-gc', '--input-type=module', '-e', PROGRAM, file, config];
  const { status, stdout, stderr } = await run(process.execPath, args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const parsed: { outcome: string; fed: number; same: number; different: number; peak: number } =
    JSON.parse(stdout);
  return parsed;
};

/** The replies of a cassette, over and over, and what the bridge made of them. */
const repeated = async (cassette: string, count: number): Promise<string> => {
  const [header = '', ...rest] = linesIn(cassette);
  const begins = rest.findIndex((line) => line.includes('"side":"egress","dir":"in"'));
  const head = rest.slice(0, begins);
  const pair = rest.slice(begins, begins + 2);
  expect(pair.map((line) => /"side":"\w+","dir":"\w+"/.exec(line)?.[0])).toEqual([
    '"side":"egress","dir":"in"',
    '"side":"ingress","dir":"out"',
  ]);
  const file = `${world.folder}/long-${count}.cassette.ndjson`;
  const stream = createWriteStream(file);
  stream.write([header, ...head].map((line) => `${line}\n`).join(''));
  const lines = pair.map((line) => `${line}\n`).join('');
  for (let i = 0; i < count; i++) stream.write(lines);
  await new Promise((resolve) => stream.end(resolve));
  return file;
};

test('a long cassette takes no more memory than a short one', async () => {
  const requests = await requestsOf('choria-v1-federated.ndjson', 'federation', config);
  const cassette = await world.record(config, requests);
  const short = await replayAlone(await repeated(cassette, COUNT / 10));
  const long = await replayAlone(await repeated(cassette, COUNT));
  expect(long).toMatchObject({ outcome: 'same', different: 0 });
  expect(long.same).toBe(short.same + COUNT - COUNT / 10);
  expect(long.fed).toBe(short.fed + COUNT - COUNT / 10);
  // What has to be held is a thousandth of what came: all of it were 30 MiB more.
  expect(long.peak).toBeLessThan(short.peak + 12 * 1024 ** 2);
});
