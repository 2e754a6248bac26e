import { describe, expect, it } from 'vitest';
import { isWhole, type LayerKind, layersOf } from '../../src/inspect/tree.ts';
import {
  CAPTURE_FILES,
  captureLines,
  decode,
  decodeWithoutKeys,
  kindsOf,
  layer,
  parseLine,
  value,
  verdictsOf,
  wireBytes,
} from './support.ts';

const innermost = (kinds: readonly LayerKind[]): LayerKind | undefined => kinds.at(-1);

/** The kinds that a line must have, from what the capture says outside of the message. */
const expected = (line: string, kinds: readonly LayerKind[]): readonly LayerKind[] => {
  const { command, body, payload } = parseLine(line);
  const last = innermost(kinds) ?? 'unknown';
  if (command !== undefined) {
    if (body === '') return ['capture', 'stomp-frame'];
    return command === 'SEND'
      ? ['capture', 'stomp-frame', 'legacy-request', 'legacy-signed', last]
      : ['capture', 'stomp-frame', 'legacy-reply', last];
  }
  if (!payload?.includes('choria:transport:1')) return ['capture', 'stats'];
  return kinds.includes('secure-request-v1')
    ? ['capture', 'transport-v1', 'secure-request-v1', 'request-v1', last]
    : ['capture', 'transport-v1', 'secure-reply-v1', 'reply-v1', last];
};

const QUESTIONS: readonly LayerKind[] = ['ping', 'rpc-request'];
const ANSWERS: readonly LayerKind[] = ['pong', 'rpc-reply'];

describe.each(CAPTURE_FILES)('the capture %s', (name) => {
  it('decodes wholly, each line to its innermost layer, with every signature valid', () => {
    for (const line of captureLines(name)) {
      const tree = decode(line);
      const kinds = kindsOf(tree);
      expect(isWhole(tree)).toBe(true);
      expect(kinds).toEqual(expected(line, kinds));
      if (kinds.length > 2) {
        const asked = kinds.includes('legacy-request') || kinds.includes('request-v1');
        expect(asked ? QUESTIONS : ANSWERS).toContain(innermost(kinds));
        expect(verdictsOf(tree).map(({ state }) => state)).toEqual(['valid']);
      } else expect(verdictsOf(tree)).toEqual([]);
    }
  });

  it('decodes to the same message as its bytes on the wire do', () => {
    for (const line of captureLines(name)) {
      const bytes = wireBytes(line);
      if (bytes.length === 0) continue;
      const [, ...inside] = layersOf(decode(line));
      const wire = layersOf(decode(bytes));
      expect(isWhole(decode(bytes))).toBe(true);
      expect(wire.map(({ kind }) => kind)).toEqual(inside.map(({ kind }) => kind));
      expect(wire.map(({ verdicts }) => verdicts)).toEqual(inside.map(({ verdicts }) => verdicts));
      expect(wire.map(({ fields }) => fields)).toEqual(inside.map(({ fields }) => fields));
    }
  });

  it('is as many signed and hashed messages without a key, none of them called valid for its signature', () => {
    for (const line of captureLines(name)) {
      const verdicts = verdictsOf(decodeWithoutKeys(line));
      for (const { of, state } of verdicts) expect(state).toBe(of === 'hash' ? 'valid' : 'unverified');
    }
  });
});

describe('the captures', () => {
  const all = CAPTURE_FILES.flatMap((name) => captureLines(name)).map((line) => decode(line));
  const count = (of: 'signature' | 'hash', kind: LayerKind): number =>
    all
      .flatMap(layersOf)
      .filter((it) => it.kind === kind)
      .flatMap(({ verdicts }) => verdicts)
      .filter((it) => it.of === of && it.state === 'valid').length;

  it('hold the signatures that their README counts', () => {
    expect(count('signature', 'legacy-request')).toBe(30);
    expect(count('signature', 'secure-request-v1')).toBe(33);
    expect(count('signature', 'legacy-reply')).toBe(46);
    expect(count('hash', 'secure-reply-v1')).toBe(49);
  });

  it('show filters as a user writes them', () => {
    const words = all
      .flatMap(layersOf)
      .flatMap(({ fields }) => fields)
      .filter(({ name }) => name === 'filter')
      .map(({ text }) => text);
    expect(words).toHaveLength(63);
    expect(words).toContain('none, all nodes are meant');
    expect(words).toContain('fact osfamily =~ /Deb/; agent rpcutil; collective mcollective');
    const compound = words.filter((text) => text?.includes('compound'));
    expect(new Set(compound.map((text) => text?.replace('; collective mcollective', '')))).toEqual(
      new Set(['agent rpcutil; compound country=uk and (apache or not osfamily=RedHat)']),
    );
  });

  it('hide the passcode of a connection', () => {
    const line = captureLines('legacy-marshal.ndjson').find((it) => it.includes('"CONNECT"')) ?? '';
    const tree = decode(line.replace('(redacted)', 'Joshua'));
    expect(value(tree, 'stomp-frame', 'passcode')).toBe('(secret, not shown)');
    expect(layer(tree, 'stomp-frame').fields.length).toBeGreaterThan(4);
  });
});
