import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Rights } from '../../src/app/rights.ts';
import { type Denial, type Link, LinkError, type LinkState, type Right } from '../../src/transport/link.ts';
import { type Requirement, toPublish, toSubscribe } from '../../src/transport/requirement.ts';

const NODES = toPublish('send directed requests', 'c.node.>', 'c.node.nobody');
const REPLIES = toPublish('answer clients', 'c.reply.>', 'c.reply.nobody.1');
const HEAR = { ...toSubscribe('hear directed requests', 'c.node.nobody'), grant: 'c.node.>' };
const BACKOFF = { initial: 100, max: 1_000 };

/** A broker that grants what `granted` says, and a link to it. */
const makeWorld = () => {
  const world = { granted: new Set<string>(), away: false, state: {} as Partial<LinkState> };
  const asked: string[] = [];
  const told: string[] = [];
  const link: Link = {
    open: async () => undefined,
    subscribe: async () => ({ unsubscribe: async () => undefined }),
    send: () => undefined,
    sendAll: () => undefined,
    close: async () => undefined,
    state: () => ({ up: true, server: 'nats://b', buffered: 0, ...world.state }),
    prove: async ({ destination }) => {
      asked.push(destination);
      if (world.away) throw new LinkError('unreachable', 'away');
      if (!world.granted.has(destination)) throw new LinkError('refused', `no right to ${destination}`);
    },
  };
  const rights = new Rights({
    requirements: [NODES, REPLIES, HEAR],
    grantOf: ({ kind, destination }) => `${kind} ${destination}`,
    backoff: BACKOFF,
    onMissing: (_, { grant }) => told.push(`missing ${grant}`),
    onGranted: ({ grant }) => told.push(`granted ${grant}`),
    onRefused: ({ right }, requirement) => told.push(`refused ${right.destination} of ${requirement?.grant}`),
  });
  return { world, asked, told, rights, link: rights.watch(link) };
};

const denial = (right: Right): Denial => ({ right, error: new LinkError('refused', 'no') });
const refused = (destination: string): Denial => denial({ kind: 'publish', destination });
const settle = () => vi.advanceTimersByTimeAsync(0);
const needs = (link: Link) => link.state().denied?.map(({ need }) => need);

const needOf = ({ purpose, right: { kind }, grant }: Requirement) => ({
  purpose,
  hint: `let this user do so on the broker: ${kind} ${grant}`,
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a right to publish that the broker refuses', () => {
  it('is missing once, however many messages were refused, and asked for again with growing pauses until granted', async () => {
    const { world, asked, told, rights, link } = makeWorld();
    for (let i = 0; i < 10_000; i++) rights.refused(refused(`c.node.n${i}.token${i}`));
    await settle();
    expect(asked).toEqual(['c.node.nobody']);
    expect(needs(link)).toEqual([needOf(NODES)]);
    await vi.advanceTimersByTimeAsync(300);
    expect(asked).toHaveLength(3);
    world.granted.add('c.node.nobody');
    expect(needs(link)).toEqual([needOf(NODES)]);
    await vi.advanceTimersByTimeAsync(6 * BACKOFF.max);
    expect(link.state().denied).toBeUndefined();
    expect(told).toEqual([...Array(3).fill('missing c.node.>'), 'granted c.node.>']);
  });

  it('is asked for at once on a new connection, and stays missing while there is none', async () => {
    const { world, told, rights, link } = makeWorld();
    rights.refused(refused('c.reply.a.1'));
    await settle();
    world.away = true;
    await vi.advanceTimersByTimeAsync(10 * BACKOFF.max);
    expect(needs(link)).toEqual([needOf(REPLIES)]);
    world.state = { up: false, reason: 'away' };
    expect(link.state()).not.toHaveProperty('denied');
    Object.assign(world, { away: false, state: {} });
    rights.connected();
    await settle();
    expect(needs(link)).toEqual([needOf(REPLIES)]);
    world.granted.add('c.reply.nobody.1');
    rights.connected();
    await settle();
    expect(link.state().denied).toBeUndefined();
    expect(told).toEqual(['missing c.reply.>', 'missing c.reply.>', 'granted c.reply.>']);
  });

  it('is asked for no more once the link is closed', async () => {
    const { asked, rights, link } = makeWorld();
    rights.refused(refused('c.reply.a.1'));
    await settle();
    await link.close();
    await vi.advanceTimersByTimeAsync(100 * BACKOFF.max);
    expect(asked).toHaveLength(1);
  });
});

describe('a message that the broker refuses', () => {
  it('makes nothing missing where the right is there as a whole: who sends it may have chosen where it goes', async () => {
    const { world, asked, told, rights, link } = makeWorld();
    world.granted.add('c.reply.nobody.1');
    for (let i = 0; i < 1_000; i++) rights.refused(refused(`c.reply.private.${i}`));
    await settle();
    expect(link.state().denied).toBeUndefined();
    expect(told).toEqual(['refused c.reply.private.0 of c.reply.>']);
    expect(asked).toHaveLength(1);
    // Later it is looked at again.
    await vi.advanceTimersByTimeAsync(BACKOFF.initial);
    world.granted.clear();
    rights.refused(refused('c.reply.private.0'));
    await settle();
    expect(needs(link)).toEqual([needOf(REPLIES)]);
  });

  it('and is no part of what the bridge needs, is told of and nothing else', async () => {
    const { asked, told, rights, link } = makeWorld();
    rights.refused(refused('elsewhere'));
    await settle();
    expect(asked).toEqual([]);
    expect(link.state().denied).toBeUndefined();
    expect(told).toEqual(['refused elsewhere of undefined']);
  });
});

it('subscriptions that are part of one right are named as this one; others by themselves', () => {
  const { world, link } = makeWorld();
  const other = denial({ kind: 'subscribe', destination: 'other' });
  const nodes = Array.from({ length: 5_000 }, (_, i) =>
    denial({ kind: 'subscribe', destination: `c.node.n${i}` }),
  );
  world.state = { denied: [...nodes, other] };
  expect(link.state().denied).toEqual([{ ...nodes[0], need: needOf(HEAR) }, other]);
});
