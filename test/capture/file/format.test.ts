import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  bodyFields,
  bodyOf,
  type CassetteHeader,
  type CassetteLine,
  formatEntry,
  formatHeader,
  isMessage,
  parseEntry,
  parseHeader,
} from '../../../src/capture/file/format.ts';
import { CassetteError } from '../../../src/capture/file/problem.ts';
import { openCassette } from '../../../src/capture/file/read.ts';
import { CassetteWriter } from '../../../src/capture/file/write.ts';

const HEADER: CassetteHeader = {
  cassette: 1,
  created: '2026-11-24T00:00:00.000Z',
  by: 'mcbridge 0',
  config: { routes: ['federation → legacy: mcollective'] },
  clock: 5,
  seed: '00',
  keys: {},
  nodes: {},
};

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-cassette-test-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

const readAll = async (file: string): Promise<readonly CassetteLine[]> => {
  const { entries } = await openCassette(file);
  const all: CassetteLine[] = [];
  for await (const { entry } of entries) all.push(entry);
  return all;
};

const fileWith = (name: string, ...lines: readonly string[]): string => {
  const file = join(folder, name);
  writeFileSync(file, lines.join('\n'));
  return file;
};

const header = (): string => formatHeader(HEADER).trim();
const MESSAGE = {
  at: 5,
  link: 'legacy',
  side: 'egress',
  dir: 'in',
  destination: '/queue/x',
  text: '',
} as const;

const message = fc.record(
  {
    at: fc.nat(),
    link: fc.string({ minLength: 1, maxLength: 20 }),
    side: fc.constantFrom('ingress', 'egress'),
    dir: fc.constantFrom('in', 'out'),
    destination: fc.string({ minLength: 1, unit: 'grapheme' }),
    reply_to: fc.string(),
    headers: fc.dictionary(
      fc.string().filter((name) => name !== '__proto__'),
      fc.string({ unit: 'grapheme' }),
    ),
    body: fc.uint8Array({ maxLength: 300 }),
  },
  { requiredKeys: ['at', 'link', 'side', 'dir', 'destination', 'body'] },
);

describe('an entry', () => {
  test('is read as it was written, whatever bytes it has', () => {
    fc.assert(
      fc.property(message, ({ body, ...rest }) => {
        const line = formatEntry({ ...rest, ...bodyFields(body) });
        expect(line.indexOf('\n')).toBe(line.length - 1);
        const entry = parseEntry(line);
        if (!isMessage(entry)) throw new Error('it is a message');
        expect(Buffer.compare(bodyOf(entry), body)).toBe(0);
        expect(entry).toEqual({ ...rest, ...bodyFields(body), headers: entry.headers });
        expect(Object.entries(entry.headers ?? {})).toEqual(Object.entries(rest.headers ?? {}));
      }),
    );
  });

  test('holds UTF-8 as text, which a diff can show, and all else in base64', () => {
    expect(bodyFields(Buffer.from('grün'))).toEqual({ text: 'grün' });
    expect(bodyFields(Buffer.from([0xff]))).toEqual({ base64: '/w==' });
  });

  test.each<[string, string]>([
    ['{', 'it is not JSON'],
    ['[]', 'Invalid input'],
    [JSON.stringify({ ...MESSAGE, more: 1 }), 'Unrecognized key: "more"'],
    [JSON.stringify({ ...MESSAGE, at: '5' }), 'at: '],
    [JSON.stringify({ ...MESSAGE, side: 'left' }), 'side: '],
    [JSON.stringify({ ...MESSAGE, base64: '' }), 'a message has its body either in "text" or in "base64"'],
    [
      JSON.stringify({ ...MESSAGE, text: undefined }),
      'a message has its body either in "text" or in "base64"',
    ],
    [JSON.stringify({ ...MESSAGE, text: undefined, base64: 'a' }), 'base64: it is not base64'],
    ['{"at":1,"rejected":{}}', 'rejected.code'],
    ['{"at":1,"nodes":{"egress":"legacy"}}', 'nodes.collective'],
    ['{"at":1,"nodes":{"egress":"legacy","collective":"c","came":"n1"}}', 'nodes.came'],
  ])('%s is refused', (line, sentence) => {
    expect(() => parseEntry(line)).toThrow(CassetteError);
    expect(() => parseEntry(line)).toThrow(sentence);
  });
});

describe('a header', () => {
  test('is read as it was written', () => {
    expect(parseHeader(formatHeader(HEADER))).toEqual(HEADER);
  });

  test.each<[string, string]>([
    ['{"at":1}', 'a cassette begins with a line that has "cassette": 1'],
    ['{"cassette":2}', 'it is of version 2, and this program reads version 1'],
    [JSON.stringify({ ...HEADER, extra: true }), 'Unrecognized key: "extra"'],
    [JSON.stringify({ ...HEADER, keys: { a: 'md5:0' } }), 'keys.a: it is not "sha256:" and 64 hex digits'],
  ])('%s is refused', (line, sentence) => {
    expect(() => parseHeader(line)).toThrow(sentence);
  });
});

describe('a file', () => {
  test('is written and read, with an empty line and without an end of the last', async () => {
    const file = join(folder, 'whole.cassette.ndjson');
    const nodes = { at: 7, nodes: { egress: 'legacy', collective: 'mcollective', gone: ['n1'] } };
    const writer = new CassetteWriter(file, HEADER);
    writer.write(MESSAGE);
    writer.write({ at: 6, rejected: { code: 'expired' } });
    writer.write(nodes);
    await writer.close();
    expect(await readAll(file)).toEqual([MESSAGE, { at: 6, rejected: { code: 'expired' } }, nodes]);
    const bare = fileWith('bare', header(), '', JSON.stringify(MESSAGE));
    expect(await readAll(bare)).toEqual([MESSAGE]);
  });

  test('that is discarded leaves what was there', async () => {
    const file = fileWith('kept', header());
    const writer = new CassetteWriter(file, HEADER);
    writer.write(MESSAGE);
    await writer.discard();
    expect(await readAll(file)).toEqual([]);
  });

  test.each<[string, readonly string[], string]>([
    ['empty', [], 'empty: it is empty'],
    ['bad-header', ['{"cassette":9}'], 'bad-header:1: it is of version 9'],
    [
      'bad-line',
      [formatHeader(HEADER).trim(), JSON.stringify(MESSAGE), '{"at"'],
      'bad-line:3: it is not JSON',
    ],
    [
      'disorder',
      [formatHeader(HEADER).trim(), JSON.stringify(MESSAGE), JSON.stringify({ ...MESSAGE, at: 4 })],
      'disorder:3: its time 4 is before that of the line above, 5',
    ],
  ])('that is %s is refused with its place', async (name, lines, sentence) => {
    await expect(readAll(fileWith(name, ...lines))).rejects.toThrow(sentence);
  });

  test('that is not there or no text is refused', async () => {
    await expect(readAll(join(folder, 'nowhere'))).rejects.toThrow('cannot be read: there is no such file');
    const file = join(folder, 'latin1');
    writeFileSync(file, Buffer.concat([Buffer.from(formatHeader(HEADER)), Buffer.from([0xff, 10])]));
    await expect(readAll(file)).rejects.toThrow('latin1:2: it is not UTF-8 text');
  });
});
