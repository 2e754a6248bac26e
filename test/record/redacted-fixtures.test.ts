import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatEntry, formatHeader } from '../../src/cassette/format.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createRedactor } from '../../src/record/redact/redactor.ts';
import { replayCassette } from '../../src/replay/replay.ts';
import { places, readCassette, version } from '../fixtures/cassettes.ts';

const GET_FACT = 'changed ingress mco body.message.:body.message.:data.:value';

/** What does not survive that every text is replaced, as docs/record.md says. */
const LOST: Readonly<Record<string, readonly string[]>> = {
  'choria-to-choria/protocol-2': ['it has no message that comes in, so it proves nothing'],
  // A text that the other side has no word for.
  'choria-to-legacy/refused-requests': [
    'extra egress legacy',
    'missing rejections',
    'missing ingress federation',
  ],
  'legacy-to-choria/marshal.requests': [GET_FACT],
  'legacy-to-choria/marshal.values': [GET_FACT, GET_FACT],
};

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-redacted-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(places())('$name is the same in a replay when all its texts are redacted', async (place) => {
  const loaded = loadConfig(place.config, {});
  const file = join(folder, `${place.name.replaceAll('/', '-')}.cassette.ndjson`);
  // What the program makes of it now, whatever that is: this is about what redaction makes of that.
  copyFileSync(place.file, file);
  await replayCassette(file, loaded, { update: true, version });
  const { header, entries } = await readCassette(file);
  const { redact, trust } = createRedactor(loaded, { paths: [], allTexts: true });
  const clean = entries.flatMap((entry) => redact(entry, () => undefined) ?? []);
  writeFileSync(
    file,
    `${formatHeader({ ...header, keys: {}, trust: trust() })}${clean.map(formatEntry).join('')}`,
  );
  const { reason, differences } = await replayCassette(file, loaded, { version });
  const found = differences.map(({ kind, lane, changes: [first] }) =>
    [kind, lane, ...(first === undefined ? [] : [first.path])].join(' '),
  );
  expect([...(reason === undefined ? [] : [reason]), ...found]).toEqual(LOST[place.name] ?? []);
});
