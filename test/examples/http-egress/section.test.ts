import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpAdapter } from '../../../examples/http-egress/adapter.js';
import { httpSchema } from '../../../examples/http-egress/config.js';
import { Checklist } from '../../../src/config/checklist.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-http-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (entry: object) =>
  httpSchema({
    hostname: 'h',
    cluster: 'c',
    hasClaims: false,
    resolve: (name) => join(folder, name),
  }).safeParse({ type: 'http', servers: ['https://api.example.net/mco'], ...entry });

/** The adapter of a section that is right. */
const adapterOf = (entry: object) => {
  const { data, error } = read(entry);
  if (data === undefined) throw error;
  return httpAdapter(data, 'api');
};

const faults = (entry: object): readonly string[] =>
  (read(entry).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);

/** What `check` finds in files, as `status path: message`. */
const found = (entry: object): readonly string[] => {
  const list = new Checklist({ file: 'bridge.yaml', at: () => ({ line: 1, column: 1 }) });
  adapterOf(entry).check.files(list, Date.now());
  return list.findings.map(({ status, path, message }) =>
    `${status} ${path}: ${message}`.replaceAll(`${folder}/`, ''),
  );
};

const file = (name: string, text: string, mode = 0o600): string => {
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), mode);
  return name;
};

describe('the section of an egress http', () => {
  it('wants TLS unless it is told otherwise, and never both', () => {
    expect(faults({})).toEqual([]);
    expect(faults({ servers: ['http://h/'] })).toEqual([
      'servers.0: is not encrypted: write https://, or give insecure_plaintext: true',
    ]);
    expect(faults({ servers: ['http://h/'], insecure_plaintext: true })).toEqual([]);
    expect(faults({ insecure_plaintext: true })).toEqual([
      'servers.0: asks for TLS, which insecure_plaintext: true rules out',
    ]);
    expect(faults({ servers: ['http://h/'], insecure_plaintext: true, tls: { ca: 'ca' } })).toEqual([
      'insecure_plaintext: contradicts tls: leave out one of them',
    ]);
  });

  it('has no URLs that hold what may be a secret: they are shown', () => {
    for (const url of ['https://h/mco?key=hunter2', 'https://u:p@h/', 'https://h/#x'])
      expect(faults({ servers: ['https://h/', url] })).toEqual([expect.stringMatching(/^servers\.1: /)]);
  });

  it('takes one token, which a header can bear', () => {
    expect(faults({ token: 'a', token_file: 'b' })).toEqual([
      'token_file: contradicts token: leave out one of them',
    ]);
    expect(faults({ token: 'two\nlines' })).toHaveLength(1);
    expect(JSON.stringify(read({ token: 'sesame' }).data)).not.toContain('sesame');
  });

  it('has a token file looked at', () => {
    expect(found({ token_file: file('good', 'sesame\n') })).toEqual([
      'ok egresses.api.token_file: good holds a token',
    ]);
    expect(found({ token_file: file('open', 'sesame\n', 0o644) })[0]).toMatch(
      /^warning .*open is secret, and everybody on this machine can read it/,
    );
    expect(found({ token_file: file('empty', '\n') })).toEqual([
      'problem egresses.api.token_file: empty holds no token',
    ]);
    expect(found({ token_file: 'nowhere' })[0]).toMatch(
      /^problem .*nowhere cannot be read: there is no such/,
    );
  });

  it('is no link where its token file holds no token', () => {
    const link = (text: string) => () =>
      adapterOf({ token_file: 'x' })
        .link({ identity: 'h', maxMessageBytes: 1_000 }, () => Buffer.from(text))
        .connect({ onEvent: () => undefined });
    for (const text of ['', '\n', 'two\nlines', 'caf\u00e9', 'a b'])
      expect(link(text)).toThrowError(
        /\/x:1:1: egresses\.api\.token_file: it holds no token; allowed: one line of/,
      );
    expect(link('right\n')().state()).toMatchObject({ up: false, buffered: 0 });
  });

  it('has connections that prove nothing warned of', () => {
    expect(found({ servers: ['http://h/'], insecure_plaintext: true })).toEqual([
      'warning egresses.api.insecure_plaintext: the connection to the servers is neither encrypted nor authenticated',
    ]);
    expect(found({ tls: { verify: false } })).toEqual([
      "warning egresses.api.tls.verify: the servers' certificates are not verified",
    ]);
  });

  it('says for whom its token vouches', () => {
    expect(adapterOf({}).check.lackFor('http=anyone')).toBe(undefined);
    const { lackFor } = adapterOf({ callers: ['^http=alice$'] }).check;
    expect(lackFor('http=alice')).toBe(undefined);
    expect(lackFor('http=bob')?.message).toContain('callers of api has no pattern for http=bob');
  });

  it('makes one link of the same settings, and another of another token', () => {
    const settings = (entry: object) =>
      adapterOf(entry).link({ identity: 'h', maxMessageBytes: 1_000 }, () => Buffer.from('from-a-file\n'))
        .settings;
    expect(settings({ token: 'a' })).toEqual(settings({ token: 'a' }));
    expect(settings({ token: 'a' })).not.toEqual(settings({ token: 'b' }));
    expect(settings({ token_file: 'x' })).toMatchObject({
      token: 'from-a-file',
      answer: { lineBytes: 1_000 },
    });
  });
});
