import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeMarshal,
  encodeMarshal,
  RubyHash,
  RubySet,
  RubyStruct,
  RubyTime,
  type RubyValue,
} from '../../../src/codec/ruby/index.ts';
import { runs } from '../../support/seed.ts';
import { keyOf, marshalValue } from './arbitrary.ts';
import { describeValue } from './describe.ts';
import { RubyPeer } from './peer.ts';

/** All members and keys, at any depth. */
const inside = (value: RubyValue): readonly RubyValue[] => {
  if (value instanceof RubyHash)
    return value.entries.flatMap(([key, member]) => [...inside(key), ...inside(member)]);
  if (value instanceof RubySet) return value.members.flatMap(inside);
  if (value instanceof RubyStruct) return value.members.flatMap(([, member]) => inside(member));
  return Array.isArray(value) ? value.flatMap(inside) : [value];
};

const keys = (value: RubyValue): readonly RubyValue[] => {
  if (value instanceof RubyHash)
    return value.entries.flatMap(([key, member]) => [key, ...keys(key), ...keys(member)]);
  if (value instanceof RubySet) return [...value.members, ...value.members.flatMap(keys)];
  if (value instanceof RubyStruct) return value.members.flatMap(([, member]) => keys(member));
  return Array.isArray(value) ? value.flatMap(keys) : [];
};

describe('Marshal and real Ruby', () => {
  let ruby: RubyPeer;
  beforeAll(() => {
    ruby = new RubyPeer();
  });
  afterAll(() => ruby.close());

  it('agree on what we write', async () => {
    await fc.assert(
      fc.asyncProperty(marshalValue, async (value) => {
        const answer = await ruby.load('marshal', encodeMarshal(value));
        expect(answer).toEqual({ value: describeValue(value) });
      }),
      { numRuns: runs(3000) },
    );
  });

  it('agree on what Ruby writes, shared references included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { document, value } = await ruby.generate('marshal', seed);
        expect(describeValue(decodeMarshal(Buffer.from(document ?? '', 'base64')))).toEqual(value);
      }),
      { numRuns: runs(3000) },
    );
  });

  it('write the same bytes for trees without shared references', async () => {
    await fc.assert(
      fc.asyncProperty(marshalValue, async (value) => {
        // Ruby writes a time's variables in the order in which the process first used them.
        fc.pre(!inside(value).some((member) => member instanceof RubyTime));
        // And makes equal strings one object when they become keys.
        const names = keys(value).map(keyOf);
        fc.pre(new Set(names).size === names.length);
        const { document } = await ruby.dump(describeValue(value));
        expect(encodeMarshal(value).toString('latin1')).toBe(
          Buffer.from(document ?? '', 'base64').toString('latin1'),
        );
      }),
      { numRuns: runs(3000) },
    );
  });

  it('read back what we write', () => {
    fc.assert(
      fc.property(marshalValue, (value) => {
        expect(describeValue(decodeMarshal(encodeMarshal(value)))).toEqual(describeValue(value));
      }),
      { numRuns: runs(2000) },
    );
  });
});
