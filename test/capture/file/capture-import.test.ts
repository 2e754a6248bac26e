import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUILT_IN } from '../../../src/adapters/registry.ts';
import { importCapture, summariseCapture } from '../../../src/capture/file/capture-import.ts';
import { bodyOf } from '../../../src/capture/file/format.ts';
import { openCassette } from '../../../src/capture/file/read.ts';
import { cassetteFromCapture } from '../../../src/capture/replay/import.ts';
import { loadConfig } from '../../../src/setup/load.ts';
import { captured } from '../../adapters/mcollective/wire/captures.ts';
import { requestsOf } from '../replay/requests.ts';
import { CAPTURES, makeWorld, type World } from '../replay/world.ts';

let world: World;
let config: string;

beforeAll(() => {
  world = makeWorld();
  config = world.config();
});

afterAll(() => world.end());

test.each(['marshal', 'yaml'] as const)(
  'the requests of a capture in %s come in as they were sent',
  async (name) => {
    const requests = await requestsOf(`legacy-${name}.ndjson`, 'clients', config);
    const sent = captured(name).filter(
      ({ command, headers }) =>
        command === 'SEND' &&
        /^\/(?:topic|queue)\/mcollective\.[\w.]*(?:agent|nodes)$/.test(headers['destination'] ?? ''),
    );
    expect(requests.length).toBeGreaterThan(2);
    expect(requests.map((it) => bodyOf(it).toString('hex'))).toEqual(
      sent.map(({ body }) => body.toString('hex')),
    );
    expect(requests.map(({ at, destination, reply_to }) => [at, destination, reply_to])).toEqual(
      sent.map(({ at, headers }) => [at, headers['destination'], headers['reply-to']]),
    );
    expect(requests.every(({ link, side, dir }) => `${link} ${side} ${dir}` === 'clients ingress in')).toBe(
      true,
    );
  },
);

test('of a federation’s capture only what is for its own cluster is taken', async () => {
  const requests = await requestsOf('choria-v1-federated.ndjson', 'federation', config);
  expect(new Set(requests.map(({ destination }) => destination))).toEqual(
    new Set(['choria.federation.production.federation']),
  );
});

test('nodes that were written to are known beyond the route', async () => {
  const { config: loaded } = loadConfig(config, {}, BUILT_IN);
  const summary = await summariseCapture(`${CAPTURES}legacy-marshal.ndjson`, {
    ingress: 'clients',
    config: loaded,
  });
  expect(summary.nodes).toEqual({
    choria: { mcollective: ['node1.example.net', 'node2.example.net', 'node3.example.net'] },
  });
});

test('a cassette of a capture replays once it has been updated', async () => {
  const file = `${world.folder}/imported.cassette.ndjson`;
  const capture = `${CAPTURES}legacy-marshal.ndjson`;
  const count = await cassetteFromCapture(file, loadConfig(config, {}, BUILT_IN), {
    capture,
    ingress: 'clients',
    version: '0',
  });
  const { header, entries } = await openCassette(file);
  await entries.return();
  expect(header.note).toBe('requests of the capture legacy-marshal.ndjson');
  const first = await world.replay(file, config, { update: true });
  expect(first).toMatchObject({ fed: count, updated: true });
  expect(first.different).toBeGreaterThan(count / 2);
  expect(await world.replay(file, config, { bytes: true })).toMatchObject({ outcome: 'same', notes: [] });
});

test('what is no capture, or has no request, is told', async () => {
  const { config: loaded } = loadConfig(config, {}, BUILT_IN);
  const file = `${world.folder}/odd.ndjson`;
  writeFileSync(file, '{"at":1,"subject":"x","payload":""}\n{"at":2}\n');
  const read = async (): Promise<void> => {
    for await (const _ of importCapture(file, { ingress: 'clients', config: loaded }));
  };
  await expect(read()).rejects.toThrow('odd.ndjson:2: it is no line of a capture');
  writeFileSync(file, '{"at":1,"subject":"x","payload":""}\n');
  const importing = cassetteFromCapture(`${world.folder}/never.ndjson`, loadConfig(config, {}, BUILT_IN), {
    capture: file,
    ingress: 'clients',
    version: '0',
  });
  await expect(importing).rejects.toThrow('has no request that the ingress clients would be sent');
});

test('a byte order mark before a capture, or before a cassette, is no part of it', async () => {
  const capture = `${world.folder}/bom.ndjson`;
  const file = `${world.folder}/bom.cassette.ndjson`;
  writeFileSync(capture, `\ufeff${readFileSync(`${CAPTURES}choria-v1-federated.ndjson`, 'utf8')}`);
  const options = { capture, ingress: 'federation', version: '0' };
  const count = await cassetteFromCapture(file, loadConfig(config, {}, BUILT_IN), options);
  writeFileSync(file, `\ufeff${readFileSync(file, 'utf8')}`);
  const { header, entries } = await openCassette(file);
  expect(header.cassette).toBe(1);
  let found = 0;
  for await (const _ of entries) found++;
  expect(found).toBe(count);
});
