import { describe, expect, it } from 'vitest';
import {
  bodyFields,
  type CassetteHeader,
  type CassetteMessage,
  formatEntry,
  formatHeader,
} from '../../../src/capture/file/format.ts';
import { CASSETTES } from '../../../src/capture/file/layers.ts';
import { decodeMessage } from '../../../src/inspect/recognise.ts';
import { isWhole, type Layer } from '../../../src/inspect/tree.ts';
import {
  CAPTURE_FILES,
  CAPTURE_KEYS,
  captureLines,
  kindsOf,
  NOW,
  problemsOf,
  verdictsOf,
  wireBytes,
} from '../../inspect/support.ts';

const decode = (bytes: string | Uint8Array): Layer =>
  decodeMessage(
    typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes),
    CAPTURE_KEYS,
    NOW,
    CASSETTES,
  );

const HEADER: CassetteHeader = {
  cassette: 1,
  created: '2026-11-24T00:00:00.000Z',
  by: 'mcbridge 0',
  config: { routes: [] },
  clock: 5,
  seed: '00',
  keys: {},
  nodes: {},
};

const entry = (body: Buffer): CassetteMessage => ({
  at: 1_795_412_238_453,
  link: 'legacy',
  side: 'egress',
  dir: 'in',
  destination: '/queue/mcollective.reply.production.abc',
  headers: { timestamp: '1795412238000' },
  ...bodyFields(body),
});

describe('a line of a cassette', () => {
  it('shows the message in it, as its bytes on the wire do', () => {
    for (const line of CAPTURE_FILES.flatMap((name) => captureLines(name))) {
      const bytes = wireBytes(line);
      if (bytes.length === 0) continue;
      const tree = decode(formatEntry(entry(bytes)));
      expect(isWhole(tree)).toBe(true);
      expect(kindsOf(tree)).toEqual(['cassette-line', ...kindsOf(decode(bytes))]);
      expect(verdictsOf(tree)).toEqual(verdictsOf(decode(bytes)));
    }
  });

  it('may be one that was refused, of nodes that came, or the first', () => {
    const refused = decode(formatEntry({ at: 1, rejected: { code: 'expired', sender: 'node1' } }));
    expect(kindsOf(refused)).toEqual(['cassette-line']);
    const nodes = decode(
      formatEntry({ at: 1, nodes: { egress: 'legacy', collective: 'mcollective', came: ['n1'] } }),
    );
    expect(kindsOf(nodes)).toEqual(['cassette-line']);
    const header = decode(formatHeader(HEADER));
    expect(kindsOf(header)).toEqual(['cassette-header']);
    expect([refused, nodes, header].flatMap(problemsOf)).toEqual([]);
  });

  it('says what a replay would not read', () => {
    expect(problemsOf(decode('{"cassette":9}'))).toMatchObject([
      { message: 'it is of version 9, and this program reads version 1' },
    ]);
    const bad = formatEntry(entry(Buffer.from('"ping"'))).replace('"egress"', '"left"');
    expect(problemsOf(decode(bad))).toMatchObject([{ message: expect.stringMatching(/^side: /) }]);
    expect(kindsOf(decode(bad))).toEqual(['cassette-line', 'ping']);
    const cut = formatEntry(entry(Buffer.from('"ping"'))).slice(0, 120);
    expect(problemsOf(decode(cut))).toHaveLength(1);
  });
});
