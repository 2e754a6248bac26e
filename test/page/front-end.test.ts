import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readPageFiles } from '../../src/page/files.ts';

/** As the build makes it, and the package has it. */
const BUILT = fileURLToPath(new URL('../../dist/page/web/', import.meta.url));
const files = readPageFiles(BUILT);

const filter = await import(new URL('../../src/page/web/filter.js', import.meta.url).href);
const input = await import(new URL('../../src/page/web/console-input.js', import.meta.url).href);
const store = await import(new URL('../../src/page/web/store.js', import.meta.url).href);

describe('the front end', () => {
  it('has 60 KB or less, zipped, in all', () => {
    const sizes = [...files.values()].map(({ body }) => gzipSync(body).length);
    expect(files.size).toBeGreaterThan(10);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(60_000);
  });

  it('has all that its files name, and names nothing elsewhere', () => {
    for (const [path, { type, body }] of files) {
      const text = body.toString();
      const ours = !path.startsWith('/vendor/');
      const named = [...text.matchAll(/(?:\bfrom\s*|\bimport\s*|\b(?:src|href)=)["'](?<name>[^"'$]+)["']/g)];
      for (const { groups } of ours ? named : [])
        expect([...files.keys()]).toContain(new URL(groups?.['name'] ?? '', `http://page${path}`).pathname);
      if (ours && !type.startsWith('image/')) expect(text).not.toMatch(/https?:\/\//);
    }
  });

  it('has neither scripts nor styles in its HTML, which its own policy would not run', () => {
    const html = files.get('/')?.body.toString() ?? '';
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
  });

  it('comes with the licences of what it brings along', () => {
    for (const name of ['preact', 'htm', 'uplot'])
      expect(readFileSync(`${BUILT}vendor/${name}.LICENSE`, 'utf8')).toMatch(/MIT|Apache/);
  });
});

const LINE = {
  ...{ id: 'f1', caller: 'choria=alice.mcollective', mapped: 'cert=alice', agent: 'rpcutil', action: 'ping' },
  ...{ collective: 'office', ingress: 'federation', egress: 'legacy', verdict: 'deny', rule: 'no-one' },
};

describe('the filter', () => {
  it.each([
    '',
    'ALICE',
    'alice ping',
    'caller:cert=alice',
    'call:rpcutil.ping verdict:denied',
    'route:legacy',
    'rule:no-one',
  ])('finds by %j', (text) => expect(filter.matches(LINE, text)).toBe(true));

  it.each(['bob', 'alice bob', 'caller:ping', 'verdict:allowed', 'rule:other'])(
    'does not find by %j',
    (text) => expect(filter.matches(LINE, text)).toBe(false),
  );

  it('takes a colon that follows no part of a line for text', () => {
    expect(filter.matches({ ...LINE, reason: 'see http://example.net' }, 'http://example')).toBe(true);
  });
});

describe('what a page holds', () => {
  const lineOf = (id: number) => ({ id: String(id) });

  it('is the newest lines, each once', () => {
    let held = store.after(store.emptyStore(), 'snapshot', { trail: [lineOf(0)], history: [] });
    for (let id = 0; id < 2_000; id++) held = store.after(held, 'trail', { lines: [lineOf(id)], missed: 1 });
    expect(held.trail.size).toBe(500);
    expect([...held.trail.keys()].at(-1)).toBe('1999');
    expect(held.missed).toBe(2_000);
    expect(store.after(held, 'snapshot', { trail: [lineOf(1)], history: [] }).trail.size).toBe(1);
  });

  it('gives the rate of a link over the last seconds', () => {
    const stateAt = (second: number, received: number) => ({
      status: { time: new Date(second * 1000).toISOString() },
      passed: [{ name: 'legacy', side: 'collective', received, sent: 0 }],
    });
    const link = { name: 'legacy', side: 'collective' };
    let held = store.after(store.emptyStore(), 'state', stateAt(0, 100));
    expect(store.rateOf(held, link)).toBe(0);
    held = store.after(held, 'state', stateAt(10, 150));
    expect(store.rateOf(held, link)).toBe(5);
    expect(store.rateOf(held, { ...link, name: 'other' })).toBe(0);
  });
});

const FORM = {
  ...{ collective: 'mcollective', facts: '', classes: '', compound: '', agent: ' rpcutil', action: 'ping ' },
  ...{ inputs: '', ttl: '60', batch: '', everybody: false },
};

describe('the form of the console', () => {
  it('asks the nodes that are picked, or all whom the filter matches', () => {
    const asked = { collective: 'mcollective', agent: 'rpcutil', action: 'ping', data: {} };
    expect(input.callOf({ ...FORM, batch: '2' }, ['n1'])).toEqual({
      ...asked,
      targets: ['n1'],
      ttl: 60,
      batch: 2,
    });
    const filter = { facts: 'country=uk cores>=4', classes: 'a /b/', compound: ' os = x ' };
    expect(input.callOf({ ...FORM, ...filter, everybody: true, batch: '2' }, ['n1'])).toEqual({
      ...asked,
      filter: {
        fact: [
          { fact: 'country', operator: '==', value: 'uk' },
          { fact: 'cores', operator: '>=', value: '4' },
        ],
        cf_class: ['a', '/b/'],
        compound: ['os = x'],
      },
      ttl: 60,
    });
  });

  it.each<[object, readonly string[], RegExp]>([
    [{}, [], /Nobody is asked/],
    [{ agent: ' ' }, ['n1'], /Which agent/],
    [{ inputs: '[1]' }, ['n1'], /object such as/],
    [{ inputs: 'null' }, ['n1'], /object such as/],
    [{ inputs: '{' }, ['n1'], /no JSON/],
    [{ ttl: '1.5' }, ['n1'], /no number of seconds/],
    [{ facts: 'uk', everybody: true }, [], /uk is no fact/],
  ])('says what is wrong with %j', (change, picked, sentence) =>
    expect(() => input.callOf({ ...FORM, ...change }, picked)).toThrow(sentence),
  );
});
