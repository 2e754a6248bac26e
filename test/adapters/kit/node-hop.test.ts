import { describe, expect, it } from 'vitest';
import { withNodeHop } from '../../../src/adapters/kit/node-hop.ts';
import { requestAt } from '../../../src/testing/egress-contract.ts';

const { hops: _, ...home } = requestAt(0).home;
const NODE = 'n1.example.net';

describe('the hop of a node that records none', () => {
  it('begins where the request was sent to, and ends where the reply came from', () => {
    const hops = [
      ['alice', 'nats://a'],
      ['nats://a', 'prod:1', 'stomp://one'],
    ];
    expect(withNodeHop({ ...home, hops }, NODE, 'stomp://two').hops).toEqual([
      ...hops,
      ['stomp://one', NODE, 'stomp://two'],
    ]);
  });

  it('is at one server, where only one is known', () => {
    const sent = withNodeHop({ ...home, hops: [['nats://a', 'prod:1', 'stomp://one']] }, NODE, undefined);
    expect(sent.hops?.at(-1)).toEqual(['stomp://one', NODE, 'stomp://one']);
    expect(withNodeHop({ ...home, hops: [] }, NODE, 'stomp://two').hops).toEqual([
      ['stomp://two', NODE, 'stomp://two'],
    ]);
  });

  it('begins where the reply came from, where the request waited for its link', () => {
    const sent = withNodeHop({ ...home, hops: [['nats://a', 'prod:1', 'unknown']] }, NODE, 'stomp://two');
    expect(sent.hops?.at(-1)).toEqual(['stomp://two', NODE, 'stomp://two']);
  });

  it('has no empty text, whatever is known', () => {
    expect(
      withNodeHop({ ...home, hops: [['nats://a', 'prod:1', '']] }, NODE, undefined).hops?.at(-1),
    ).toEqual(['unknown', NODE, 'unknown']);
  });

  it('is not there where nobody asks for a trail', () => {
    expect(withNodeHop(home, NODE, 'stomp://two')).toBe(home);
  });
});
