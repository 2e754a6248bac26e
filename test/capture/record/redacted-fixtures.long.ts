import { copyFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUILT_IN } from '../../../src/adapters/registry.ts';
import { createApp } from '../../../src/app/app.ts';
import {
  type CassetteEntry,
  formatEntry,
  formatHeader,
  isRejected,
} from '../../../src/capture/file/format.ts';
import { createRedactor } from '../../../src/capture/redact/redactor.ts';
import { replayCassette } from '../../../src/capture/replay/replay.ts';
import { loadConfig } from '../../../src/setup/load.ts';
import { FOLDER, places, readCassette, version } from '../../fixtures/cassettes.ts';

/** What does not survive that every text is replaced, as docs/record.md says. */
const LOST: Readonly<Record<string, readonly string[]>> = {
  'choria-to-choria/protocol-2': ['it has no message that comes in, so it proves nothing'],
  // A text that the other side has no word for.
  'choria-to-legacy/refused-requests': [
    'extra egress legacy',
    'missing rejections',
    'missing ingress federation',
  ],
};

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-redacted-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(places())('$name is the same in a replay when all its texts are redacted', async (place) => {
  const loaded = loadConfig(place.config, {}, BUILT_IN);
  const file = join(folder, `${place.name.replaceAll('/', '-')}.cassette.ndjson`);
  // What the program makes of it now, whatever that is: this is about what redaction makes of that.
  copyFileSync(place.file, file);
  await replayCassette(file, loaded, { update: true, version, createApp });
  const { header, entries } = await readCassette(file);
  const { redact, trust } = createRedactor(loaded, { paths: [], allTexts: true });
  const clean = entries.flatMap((entry) => redact(entry, () => undefined) ?? []);
  writeFileSync(
    file,
    `${formatHeader({ ...header, keys: {}, trust: trust() })}${clean.map(formatEntry).join('')}`,
  );
  const { reason, differences } = await replayCassette(file, loaded, { version, createApp });
  const found = differences.map(({ kind, lane, changes: [first] }) =>
    [kind, lane, ...(first === undefined ? [] : [first.path])].join(' '),
  );
  expect([...(reason === undefined ? [] : [reason]), ...found]).toEqual(LOST[place.name] ?? []);
});

/** The requests that came to nothing on an egress, with what the bridge said of them. */
const refusedOnly = (entries: readonly CassetteEntry[]): readonly CassetteEntry[] => {
  const rounds: CassetteEntry[][] = [];
  for (const entry of entries) {
    const isRequest = !isRejected(entry) && entry.side === 'ingress' && entry.dir === 'in';
    if (isRequest) rounds.push([]);
    rounds.at(-1)?.push(entry);
  }
  return rounds.filter((round) => round.every((it) => isRejected(it) || it.side === 'ingress')).flat();
};

test('without the private keys, refused requests are refused for the same, though nobody was signed for', async () => {
  const [place] = places().filter(({ name }) => name === 'choria-to-legacy/refused-requests');
  if (place === undefined) throw new Error('there is no such cassette');
  const config = join(folder, 'choria-to-legacy.yaml');
  cpSync(place.config, config);
  cpSync(join(FOLDER, 'choria-to-legacy/keys'), join(folder, 'choria-to-legacy/keys'), { recursive: true });
  rmSync(join(folder, 'choria-to-legacy/keys/callers'), { recursive: true });
  const { header, entries } = await readCassette(place.file);
  // No text is replaced: a refusal may be for what is in one.
  const redactor = createRedactor(loadConfig(place.config, {}, BUILT_IN), { paths: [], allTexts: false });
  const clean = refusedOnly(entries.flatMap((entry) => redactor.redact(entry, () => undefined) ?? []));
  const keys = redactor.keys(header.keys);
  const settings = Object.keys(keys);
  expect(settings).toContain('egresses.legacy.signing.keys_dir/alice.pem');
  expect(settings.every((setting) => setting.includes('.signing.keys_dir/'))).toBe(true);
  for (const setting of settings) expect(keys[setting]).not.toBe(header.keys[setting]);
  const file = join(folder, 'refused-only.cassette.ndjson');
  const shared = { ...header, keys, trust: redactor.trust() };
  writeFileSync(file, `${formatHeader(shared)}${clean.map(formatEntry).join('')}`);
  const bare = await replayCassette(file, loadConfig(config, {}, BUILT_IN), {
    version,
    createApp,
    throwAwayKeys: true,
  });
  const whole = await replayCassette(file, loadConfig(place.config, {}, BUILT_IN), { version, createApp });
  expect(bare.refused).toEqual(whole.refused);
  expect(bare.differences).toEqual(whole.differences);
});
