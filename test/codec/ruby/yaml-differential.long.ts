import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RubyPeer } from './peer.ts';
import { agreements } from './yaml-pieces.ts';
import { tagAgreements } from './yaml-tagged.ts';

describe('YAML and real Ruby, at length', () => {
  let ruby: RubyPeer;
  beforeAll(() => {
    ruby = new RubyPeer();
  });
  afterAll(() => ruby.close());

  it('agree on whatever text both take for YAML', async () => {
    expect(await agreements(ruby, 150_000)).toBeGreaterThan(20_000);
  });

  it('agree on whatever tags nodes have', async () => {
    expect(await tagAgreements(ruby, 50_000)).toBeGreaterThan(25_000);
  });
});
