import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RubyPeer } from './peer.ts';
import { agreements } from './yaml-pieces.ts';

describe('YAML and real Ruby, at length', () => {
  let ruby: RubyPeer;
  beforeAll(() => {
    ruby = new RubyPeer();
  });
  afterAll(() => ruby.close());

  it('agree on whatever text both take for YAML', async () => {
    expect(await agreements(ruby, 150_000)).toBeGreaterThan(30_000);
  });
});
