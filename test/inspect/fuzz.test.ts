import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatJson } from '../../src/adapters/choria/wire/index.ts';
import { messageValue } from '../../src/inspect/json.ts';
import { layerLines } from '../../src/inspect/text.ts';
import { isWhole, type Layer } from '../../src/inspect/tree.ts';
import { makeV2Key, makeV2Request, makeV2Token } from '../support/choria-v2.ts';
import { runs } from '../support/seed.ts';
import {
  CAPTURE_FILES,
  captureLines,
  choriaLayers,
  decode,
  NOW,
  parseLine,
  problemsOf,
  verdictsOf,
  wireMessages,
} from './support.ts';

const v2 = (): Buffer => {
  const [issuer, key] = [makeV2Key(), makeV2Key()];
  const callerid = 'choria=alice.mcollective';
  const token = makeV2Token(issuer, key, callerid, NOW);
  const { payload } = makeV2Request(
    { callerid, key, token },
    { collective: 'mcollective', agent: 'rpcutil', body: '{"action":"ping"}', targets: [], now: NOW },
  );
  return Buffer.from(payload);
};

const onTheWire = [...wireMessages(), v2()];
const bodies = CAPTURE_FILES.flatMap(captureLines)
  .map((line) => parseLine(line).body ?? '')
  .filter((body) => body !== '')
  .map((body) => Buffer.from(body, 'base64'));
const marshal = bodies.filter((body) => body[0] === 4);
const yaml = bodies.filter((body) => body[0] === 0x2d);
const choria = captureLines('choria-v1.ndjson').flatMap((line) =>
  choriaLayers(parseLine(line).payload ?? ''),
);
const lines = CAPTURE_FILES.flatMap(captureLines).map((line) => Buffer.from(line));
const everything = [...onTheWire, ...bodies, ...choria, ...lines];

/** That a tree can be printed either way, and that nothing in it is a mistake of the program. */
const sound = (tree: Layer): void => {
  for (const { message, offset } of problemsOf(tree)) {
    expect(message).not.toContain('internal error');
    if (offset !== undefined) expect(offset).toBeGreaterThanOrEqual(0);
  }
  for (const full of [true, false]) expect(layerLines(tree, { now: NOW, full }).length).toBeGreaterThan(0);
  const { whole }: { readonly whole: boolean } = JSON.parse(formatJson(messageValue(tree, 'x', 1)));
  expect(whole).toBe(isWhole(tree));
};

const saysWhere = (tree: Layer): boolean => problemsOf(tree).some(({ offset }) => offset !== undefined);

const flipped = fc
  .tuple(
    fc.constantFrom(...everything),
    fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 4 }),
  )
  .map(([bytes, flips]) => {
    const damaged = Buffer.from(bytes);
    for (const [at, bit] of flips) {
      const i = at % damaged.length;
      damaged[i] = (damaged[i] ?? 0) ^ (1 << bit);
    }
    return damaged;
  });

const cutFrom = (messages: readonly Buffer[]) =>
  fc.tuple(fc.constantFrom(...messages), fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % bytes.length));

/** Beginnings that lead garbage into each of the readers. */
const BEGINNINGS = [
  '',
  '\x04\x08',
  '\x04\x08{',
  '---\n',
  '--- !ruby/object:',
  '{',
  '{"protocol":"choria:transport:1",',
  '{"protocol":"choria:request:1","envelope":{"filter":',
  '{"protocol":"io.choria.protocol.v2.secure_request","caller":"',
  '{"at":1,"command":"SEND","headers":{},"body":"',
  'SEND\ncontent-length:5\n\n',
  'MESSAGE\n',
  'eyJ',
];

const garbage = fc
  .tuple(fc.constantFrom(...BEGINNINGS), fc.uint8Array({ maxLength: 300 }))
  .map(([beginning, bytes]) => Buffer.concat([Buffer.from(beginning, 'latin1'), bytes]));

const jsonGarbage = fc
  .tuple(fc.constantFrom(...BEGINNINGS), fc.json())
  .map(([beginning, text]) => Buffer.from(`${beginning}${text}}`));

describe('whatever comes', () => {
  it('random bytes never throw', () => {
    fc.assert(
      fc.property(fc.oneof(garbage, jsonGarbage), (bytes) => sound(decode(bytes))),
      { numRuns: runs(1000) },
    );
  });

  it('garbage is not called a message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        fc.pre(!/^\s*"?(ping|pong|cGluZw|InBpb)/.test(Buffer.from(bytes).toString('latin1')));
        const tree = decode(bytes);
        expect(isWhole(tree)).toBe(false);
        expect(saysWhere(tree)).toBe(true);
      }),
    );
  });

  it('flipped bits never throw', () => {
    fc.assert(
      fc.property(flipped, (bytes) => sound(decode(bytes))),
      { numRuns: runs(1000) },
    );
  });

  it('any JSON under a known protocol never throws', () => {
    const protocols = [
      'choria:transport:1',
      'choria:secure:request:1',
      'choria:secure:reply:1',
      'choria:request:1',
      'choria:reply:1',
      'io.choria.protocol.v2.transport',
      'io.choria.protocol.v2.secure_request',
      'io.choria.protocol.v2.secure_reply',
      'io.choria.protocol.v2.request',
      'io.choria.protocol.v2.reply',
    ];
    const names = [
      'data',
      'headers',
      'message',
      'envelope',
      'filter',
      'ttl',
      'time',
      'request',
      'reply',
      'caller',
    ];
    const nested = fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.jsonValue(), fc.base64String()));
    const object = fc.dictionary(
      fc.constantFrom(...names),
      fc.oneof(fc.jsonValue(), fc.base64String(), nested),
    );
    fc.assert(
      fc.property(fc.constantFrom(...protocols), object, (protocol, fields) =>
        sound(decode(JSON.stringify({ protocol, ...fields }))),
      ),
      { numRuns: runs(1000) },
    );
  });
});

describe('a message that is cut short', () => {
  it.each([
    ['on the wire', onTheWire],
    ['in Marshal', marshal],
    ['of Choria, any layer', choria.filter((bytes) => bytes[0] === 0x7b)],
    ['in a capture', lines],
  ])('says at which byte: %s', (_name, messages) => {
    fc.assert(
      fc.property(cutFrom(messages), (bytes) => {
        const tree = decode(bytes);
        sound(tree);
        expect(isWhole(tree)).toBe(false);
        expect(saysWhere(tree)).toBe(true);
      }),
      { numRuns: runs(500) },
    );
  });

  it('is not whole or its signature is wrong in YAML, which may end after any line and within any value', () => {
    fc.assert(
      fc.property(cutFrom(yaml), (bytes) => {
        // The last line break may be missing, so that nothing is.
        fc.pre(
          !yaml.some((whole) => whole.length - 1 === bytes.length && whole.subarray(0, -1).equals(bytes)),
        );
        const tree = decode(bytes);
        sound(tree);
        const states = verdictsOf(tree).map(({ state }) => state);
        expect(!isWhole(tree) || states.includes('invalid')).toBe(true);
      }),
      { numRuns: runs(500) },
    );
  });
});
