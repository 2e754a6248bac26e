import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestsOf } from '../replay/requests.ts';
import { linesIn, makeWorld, type World } from '../replay/world.ts';
import { run } from '../support/process.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let world: World;
let config: string;
let cassette: string;

beforeAll(async () => {
  world = makeWorld();
  config = world.config();
  const requests = await requestsOf('choria-v1-federated.ndjson', 'federation', config);
  cassette = await world.record(config, requests.slice(0, 6));
});

afterAll(() => world.end());

let outs = 0;
const redact = (file: string, ...args: readonly string[]) =>
  run(process.execPath, [MAIN, 'redact', file, '--out', `${world.folder}/out-${++outs}`, ...args]);

describe('mcbridge redact', () => {
  test('ends with 1 and says so where no message is in the cassette', async () => {
    const empty = `${world.folder}/empty.cassette.ndjson`;
    writeFileSync(empty, `${linesIn(cassette)[0]}\n`);
    const { status, stdout, stderr } = await redact(empty, '--config', config, '--all-data');
    expect({ status, stdout }).toMatchObject({ status: 1, stdout: expect.stringContaining('recorded 0') });
    expect(stderr).toBe('mcbridge: there is no message in it, so that nothing can be replayed\n');
  });
});
