import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeYaml, encodeYaml } from '../../../src/wire/ruby/index.ts';
import { plainValue } from './arbitrary.ts';
import { describeValue } from './describe.ts';
import { RubyPeer } from './peer.ts';

describe('YAML and real Ruby', () => {
  let ruby: RubyPeer;
  beforeAll(() => {
    ruby = new RubyPeer();
  });
  afterAll(() => ruby.close());

  it('agree on what Ruby writes, aliases included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { document, value, error } = await ruby.generate('yaml', seed);
        fc.pre(error === undefined);
        expect(describeValue(decodeYaml(Buffer.from(document ?? '', 'base64')))).toEqual(value);
      }),
      { numRuns: 3000 },
    );
  });
});
