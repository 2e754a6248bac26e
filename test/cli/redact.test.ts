import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestsOf } from '../capture/replay/requests.ts';
import { linesIn, makeWorld, type World } from '../capture/replay/world.ts';
import { program } from '../support/program.ts';

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
  program('redact', file, '--out', `${world.folder}/out-${++outs}`, ...args);

describe('mcbridge redact', () => {
  test('ends with 1 and says so where no message is in the cassette', async () => {
    const empty = `${world.folder}/empty.cassette.ndjson`;
    writeFileSync(empty, `${linesIn(cassette)[0]}\n`);
    const { status, stdout, stderr } = await redact(empty, '--config', config, '--all-data');
    expect({ status, stdout }).toMatchObject({ status: 1, stdout: expect.stringContaining('recorded 0') });
    expect(stderr).toBe(
      'mcbridge: there was no message, so no file was written: nothing could be replayed\n',
    );
  });

  test('says how many values it has replaced, and ends with 1 where a path has led to none', async () => {
    const all = await redact(cassette, '--config', config, '--all-data');
    expect(all).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^replaced [1-9]\d* values$/m),
    });
    const { status, stderr } = await redact(
      cassette,
      '--config',
      config,
      '--value',
      'data.text',
      'data.mispelt',
    );
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'mcbridge: nothing was replaced at data.mispelt: no message has a value there\n',
    });
  });

  test('refuses a configuration that the cassette was not recorded with', async () => {
    const renamed = `${config}.renamed.yaml`;
    writeFileSync(
      renamed,
      readFileSync(config, 'utf8').replaceAll('legacy:', 'other:').replace('to: legacy', 'to: other'),
    );
    const { status, stderr } = await redact(cassette, '--config', renamed, '--all-data');
    expect(status).toBe(2);
    expect(stderr).toMatch(/:3: the configuration has no egress "legacy"; it has other, choria\n$/);
  });

  test('quotes a line of a file without what could steer the terminal', async () => {
    const file = `${world.folder}/steering.cassette.ndjson`;
    writeFileSync(file, `${linesIn(cassette)[0]}\n\u001b[2J\u009b31m\n`);
    const { status, stderr } = await redact(file, '--config', config, '--all-data');
    expect(status).toBe(2);
    expect(stderr).toContain(`${file}:2: it is not JSON`);
    expect(stderr.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});
