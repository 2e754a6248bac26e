import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUILT_IN } from '../../../src/adapters/registry.ts';
import { openCassette } from '../../../src/capture/file/read.ts';
import { cassetteFromCapture } from '../../../src/capture/replay/import.ts';
import { loadConfig } from '../../../src/setup/load.ts';
import { CAPTURES, makeWorld, type World } from './world.ts';

let world: World;

beforeAll(() => {
  world = makeWorld();
});

afterAll(() => world.end());

test('a capture whose clock was set back becomes a cassette whose lines are in order', async () => {
  const capture = `${world.folder}/back.ndjson`;
  const lines = readFileSync(`${CAPTURES}choria-v1-federated.ndjson`, 'utf8').trim().split('\n');
  // An hour back in the middle.
  const back = lines.map((line, i) =>
    i < lines.length / 2 ? line : line.replace(/"at":\s*(\d+)/, (_, at) => `"at":${Number(at) - 3_600_000}`),
  );
  writeFileSync(capture, `${back.join('\n')}\n`);
  const loaded = loadConfig(world.config(), {}, BUILT_IN);
  const file = `${world.folder}/back.cassette.ndjson`;
  const count = await cassetteFromCapture(file, loaded, { capture, ingress: 'federation', version: '0' });
  const { header, entries } = await openCassette(file);
  const times: number[] = [];
  // Which refuses what is not in order.
  for await (const { entry } of entries) times.push(entry.at);
  expect(times).toHaveLength(count);
  expect(header.clock).toBe(times[0]);
  expect(new Set(times).size).toBeGreaterThan(1);
});
