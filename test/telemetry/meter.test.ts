import { describe, expect, it } from 'vitest';
import { meterLink } from '../../src/telemetry/meter.ts';
import type { IncomingMessage } from '../../src/transport/link.ts';
import { MemoryBroker, NATS_RULES } from '../../src/transport/memory/broker.ts';

const world = () => {
  let now = 1_000;
  const link = new MemoryBroker(NATS_RULES).link();
  const metered = meterLink(link, {
    name: 'federation',
    side: 'federation',
    clusters: ['production'],
    clock: () => ++now,
  });
  return { ...metered, link: metered.link, now: () => now };
};

const message = (destination: string) => ({ destination, body: Buffer.from('x'), expires: Number.MAX_VALUE });
/** The in-process broker hands over in the next turn. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a metered link', () => {
  it('counts each direction and remembers the last message', async () => {
    const { link, meter, sources, now } = world();
    await link.open();
    const got: string[] = [];
    await link.subscribe({ destination: 'a.>', onMessage: ({ destination }) => got.push(destination) });
    expect(meter.lastMessage).toBeUndefined();
    for (const name of ['a.1', 'a.2', 'b.1']) link.send(message(name));
    await settle();
    expect(got).toEqual(['a.1', 'a.2']);
    expect(meter).toMatchObject({ received: 2, sent: 3, sendErrors: 0, lastMessage: now() });
    expect(meter.receivedSeconds).toBeGreaterThan(0);
    expect(meter.sentSeconds).toBeGreaterThan(0);
    expect(sources).toEqual(['a.>']);
  });

  it('counts what the link refuses apart, and passes the error on', async () => {
    const { link, meter } = world();
    await link.close();
    expect(() => link.send(message('a'))).toThrow('the link is closed');
    expect(meter).toMatchObject({ sent: 0, sendErrors: 1, lastMessage: undefined });
  });

  it('counts a message whose handling fails', async () => {
    let hand: ((message: IncomingMessage) => void) | undefined;
    const link = new MemoryBroker(NATS_RULES).link();
    const metered = meterLink(
      {
        ...link,
        subscribe: async ({ onMessage }) => {
          hand = onMessage;
          return { unsubscribe: async () => undefined };
        },
      },
      { name: 'federation', side: 'federation', clusters: [], clock: Date.now },
    );
    await metered.link.subscribe({
      destination: 'a',
      onMessage: () => {
        throw new Error('a bug');
      },
    });
    expect(() => hand?.({ destination: 'a', headers: {}, body: Buffer.from('') })).toThrow('a bug');
    expect(metered.meter.received).toBe(1);
  });

  it('does not count what is sent past it', () => {
    const { raw, meter } = world();
    raw.send(message('choria.federation.production.stats'));
    expect(meter).toMatchObject({ sent: 0, lastMessage: undefined });
  });
});
