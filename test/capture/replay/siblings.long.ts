import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestsOf } from './requests.ts';
import { linesIn, makeWorld, type World } from './world.ts';

let world: World;

beforeAll(() => {
  world = makeWorld();
});

afterAll(() => world.end());

/** With a second egress to the same network, which gets its replies at the same subject. */
const withSibling = (config: string, change = (text: string): string => text): string => {
  const file = `${config}.siblings.yaml`;
  const text = readFileSync(config, 'utf8');
  const egress = /( {2})choria(:\n(?: {4}.*\n)+)/.exec(text.slice(text.indexOf('egresses:')));
  const route =
    '  - { from: clients, to: sibling, collectives: [other], identities: [{ exact: cert=a, to: choria=a }] }\n';
  writeFileSync(
    file,
    change(text).replace('routes:\n', `${egress?.[1]}sibling${egress?.[2]}routes:\n${route}`),
  );
  return file;
};

test('a reply that came by another egress than its request went by finds the request all the same', async () => {
  const config = withSibling(world.config());
  const requests = await requestsOf('legacy-marshal.ndjson', 'clients', config);
  const file = await world.record(config, requests.slice(0, 6));
  const lines = linesIn(file).map((line) =>
    /"side":"egress","dir":"in"/.test(line) ? line.replace('"link":"choria"', '"link":"sibling"') : line,
  );
  expect(lines.filter((line) => line.includes('"link":"sibling"')).length).toBeGreaterThan(3);
  writeFileSync(file, `${lines.join('\n')}\n`);
  expect(await world.replay(file, config)).toMatchObject({ outcome: 'same' });
  // Ways home are others, and the requests that name them say something else than those that were recorded.
  const other = withSibling(world.config({ clusterKey: 'f'.repeat(32) }), (text) =>
    text.replace('to: choria=$1.mcollective', 'to: choria=other.$1.mcollective'),
  );
  const result = await world.replay(file, other);
  expect([...new Set(result.differences.map(({ kind, lane }) => `${kind} ${lane}`))]).toEqual([
    'changed egress choria',
  ]);
});
