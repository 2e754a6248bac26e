import { describe, expect, it } from 'vitest';
import { withHop, withReplyHop } from '../../src/bridge/trail.ts';

const BROKER = { cluster: 'prod', instance: '1' };
const up = (server: string) => ({ name: 'link', up: true, server });
const DOWN = { name: 'link', up: false, reason: 'not connected yet' };

describe('the hop of the bridge', () => {
  it('names the servers of both links', () => {
    expect(withHop({ hops: [['alice', 'nats://a']] }, BROKER, up('nats://a'), up('stomp://b')).hops).toEqual([
      ['alice', 'nats://a'],
      ['nats://a', 'prod:1', 'stomp://b'],
    ]);
  });

  it('has no empty text where a link waits for its server: clients take such a trail for none', () => {
    expect(withHop({ hops: [] }, BROKER, up('nats://a'), DOWN).hops).toEqual([
      ['nats://a', 'prod:1', 'unknown'],
    ]);
    expect(withReplyHop({ hops: [['stomp://b', 'n1', 'stomp://b']] }, BROKER, DOWN).hops?.at(-1)).toEqual([
      'stomp://b',
      'prod:1',
      'unknown',
    ]);
    expect(withReplyHop({ hops: [['stomp://b', 'n1']] }, BROKER, up('nats://a')).hops?.at(-1)).toEqual([
      'unknown',
      'prod:1',
      'nats://a',
    ]);
  });
});
