import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type BridgeProcess, type Counts, stopAndCount } from '../support/bridge.ts';
import type { BuiltRequest, ChoriaClient, WaitOptions } from '../support/choria-client.ts';
import { type ChoriaReply, newRequestId } from '../support/choria-messages.ts';
import { expectNoSecrets } from '../support/secrets.ts';
import {
  connectStompClient,
  type Next,
  type StompClient,
  type StompMessage,
} from '../support/stomp-client.ts';
import { type BridgeConfig, NODE1, NODE2, startWorld, type World } from '../support/world.ts';

/** A node that the test plays; its name is as long as NODE1's, so that bytes of a message can be exchanged. */
const GHOST = 'ghost.example.net';
const PING = '{"agent":"rpcutil","action":"ping","data":{}}';

let world: World;

const traced = (config: BridgeConfig) => ({
  ...config,
  log: { level: 'trace', format: 'json' },
  drain_timeout: '1s',
});

beforeAll(async () => {
  world = await startWorld({ nodes: [NODE1, NODE2] });
});

afterAll(() => world?.stop());

describe('two instances of a cluster', () => {
  afterAll(() => Promise.all(world.bridges().map(({ child }) => child.kill())));

  test('share requests and replies, and every node answers every request once', async () => {
    const bridges = await Promise.all([world.bridge(traced), world.bridge(traced)]);
    const alice = await world.client();
    const targets = [NODE1, NODE2];
    // That none comes twice is in the counts below.
    const asked = Array.from({ length: 40 }, () =>
      alice.rpc({ agent: 'rpcutil', action: 'ping', targets, expect: 2, timeout: 60_000 }),
    );
    for (const replies of await Promise.all(asked))
      expect(replies.map(({ sender, rpc }) => [sender, rpc?.statuscode])).toEqual([
        [NODE1, 0],
        [NODE2, 0],
      ]);
    const [one, two] = await Promise.all(bridges.map(stopAndCount));
    for (const key of ['requestsReceived', 'repliesReceived'] as const)
      for (const counts of [one, two]) expect(counts?.[key], key).toBeGreaterThan(0);
    const sum = (key: Exclude<keyof Counts, 'rejected' | 'ignored'>) => (one?.[key] ?? 0) + (two?.[key] ?? 0);
    expect([sum('requestsReceived'), sum('requestsSent'), sum('targetsSent')]).toEqual([40, 40, 80]);
    expect([sum('repliesReceived'), sum('repliesSent')]).toEqual([80, 80]);
    // A request is logged where it was taken, a reply that the other instance carried is logged there.
    const lines = bridges.flatMap((bridge) => bridge.lines());
    expect(lines.filter(({ event }) => event === 'request')).toHaveLength(40);
    expect(lines.filter(({ event }) => event === 'replies').length).toBeGreaterThan(0);
    expect(lines.filter((line) => line['reason'] !== undefined)).toEqual([]);
  });

  test.concurrent.each(['ruby', 'go'] as const)(
    'one that is started after the other took a request and died carries the replies home in the dialect of %s',
    async (dialect) => {
      const cluster = `cluster-${dialect}`;
      const own = (config: BridgeConfig) => ({ ...traced(config), cluster });
      const alice = await world.client({ dialect, cluster });
      const first = await world.bridge(own);
      const requestId = newRequestId();
      const replies = alice.rpc({
        requestId,
        agent: 'echo',
        action: 'slow',
        // Longer than a busy machine may take to show that both have begun.
        data: { seconds: 20 },
        targets: [NODE1, NODE2],
        trace: true,
        // As long as a busy machine takes to start a bridge.
        ttl: 300,
        timeout: 150_000,
      });
      const handled = new RegExp(`Handling message ${requestId}`);
      await Promise.all(world.daemons.map((daemon) => daemon.waitFor(handled, 90_000)));
      await first.child.kill();
      const second = await world.bridge(own);
      const carried = await replies;
      expect(carried.map(({ sender, rpc }) => [sender, rpc?.statuscode, rpc?.data])).toEqual([
        [NODE1, 0, { slept: 20 }],
        [NODE2, 0, { slept: 20 }],
      ]);
      const instance = (bridge: BridgeProcess) => `${cluster}:${bridge.lines()[0]?.['instance']}`;
      for (const { sender, hops } of carried)
        expect(hops?.slice(-3).map((hop) => hop[1])).toEqual([instance(first), sender, instance(second)]);
      expect(await stopAndCount(second)).toMatchObject({ requestsReceived: 0, repliesSent: 2 });
    },
  );
});

describe('somebody who may read and write on the legacy broker', () => {
  let bridge: BridgeProcess;
  let staging: BridgeProcess;
  let alice: ChoriaClient;
  let attacker: StompClient;
  let askedOfGhost: Next;
  let answersToAttacker: Next;
  const ATTACKERS_QUEUE = '/queue/mcollective.reply.attacker.1';

  beforeAll(async () => {
    [bridge, staging, alice, attacker] = await Promise.all([
      world.bridge(traced),
      world.bridge((config) => ({ ...traced(config), cluster: 'staging' })),
      world.client(),
      connectStompClient(world.activemq),
    ]);
    askedOfGhost = await attacker.subscribe('/queue/mcollective.nodes', {
      selector: `mc_identity = '${GHOST}'`,
    });
    answersToAttacker = await attacker.subscribe(ATTACKERS_QUEUE);
  });

  afterAll(() => attacker?.close());

  interface Asked {
    readonly built: BuiltRequest;
    readonly frame: StompMessage;
    readonly replyTo: string;
    /** A real node's answer to this very request, signed with the daemons' key, but by the ghost's name. */
    readonly answer: Buffer;
    readonly replies: Promise<readonly ChoriaReply[]>;
  }

  const exchange = (bytes: Buffer, from: string, to: string): Buffer => {
    expect(bytes.includes(from)).toBe(true);
    return Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');
  };

  /** Sends the ghost's request on to a real node, with another reply queue: the broker's own people can do that. */
  const answerOf = async (frame: StompMessage): Promise<Buffer> => {
    await attacker.send('/queue/mcollective.nodes', frame.body, {
      mc_identity: NODE1,
      'reply-to': ATTACKERS_QUEUE,
    });
    return exchange((await answersToAttacker()).body, NODE1, GHOST);
  };

  const ask = async ({
    from = alice,
    ttl = 60,
    ...wait
  }: WaitOptions & { readonly from?: ChoriaClient; readonly ttl?: number } = {}): Promise<Asked> => {
    const built = from.buildRequest({ agent: 'rpcutil', body: PING, targets: [GHOST], ttl });
    const replies = from.send(built, { expect: 1, ...wait });
    const frame = await askedOfGhost();
    return { built, frame, replyTo: frame.headers['reply-to'] ?? '', answer: await answerOf(frame), replies };
  };

  /** Sends something to a reply queue, once the bridge has said what it thinks of it. */
  const refused = async (
    by: BridgeProcess,
    destination: string,
    body: Buffer,
    reason: string,
  ): Promise<Readonly<Record<string, unknown>>> => {
    const before = by.lines().length;
    await attacker.send(destination, body);
    return vi.waitFor(
      () => {
        const line = by
          .lines()
          .slice(before)
          .find(({ event }) => event === 'rejected');
        expect(line).toMatchObject({ reason });
        return line ?? {};
      },
      { timeout: 60_000 },
    );
  };

  const isGood = expect.objectContaining({
    sender: GHOST,
    rpc: expect.objectContaining({ statuscode: 0, data: { pong: expect.any(Number) } }),
  });

  const tokenOf = (replyTo: string): string => replyTo.slice(replyTo.lastIndexOf('.') + 1);

  /** Another letter in place of one in the middle. */
  const flipped = (text: string): string => {
    const at = text.length >> 1;
    return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
  };

  test.each<[string, reason: string, forge: (token: string) => string]>([
    ['with a byte changed', 'token_forged', flipped],
    ['cut short', 'token_forged', (token) => token.slice(0, 4 * Math.floor(token.length / 4) - 4)],
    ['cut off', 'token_malformed', (token) => token.slice(0, 8)],
    ['lengthened', 'token_forged', (token) => token.slice(0, 4) + token],
    ['with a second part', 'token_malformed', (token) => `${token}.${token}`],
  ])('gets nothing to the client with a token %s: %s', async (_, reason, forge) => {
    const { replyTo, answer, replies } = await ask();
    await refused(bridge, replyTo.replace(tokenOf(replyTo), forge(tokenOf(replyTo))), answer, reason);
    // Had it come through, it would be the first.
    await attacker.send(replyTo, answer);
    expect(await replies).toEqual([isGood]);
  });

  test('gets nothing to a client of another cluster that has the same key', async () => {
    const bob = await world.client({ cluster: 'staging' });
    const [here, there] = [await ask(), await ask({ from: bob })];
    expect(there.replyTo).toMatch(/^\/queue\/mcollective\.reply\.staging\./);
    const moved = ({ replyTo }: Asked, to: Asked): string =>
      `${to.replyTo.slice(0, -tokenOf(to.replyTo).length)}${tokenOf(replyTo)}`;
    await refused(staging, moved(here, there), here.answer, 'token_forged');
    await refused(bridge, moved(there, here), there.answer, 'token_forged');
    await attacker.send(here.replyTo, here.answer);
    await attacker.send(there.replyTo, there.answer);
    expect([await here.replies, await there.replies]).toEqual([[isGood], [isGood]]);
  });

  test('gets nothing to the client after the request’s ttl', async () => {
    const { built, replyTo, answer, replies } = await ask({ ttl: 2, timeout: 5_000 });
    const ends = Number(built.requestText.match(/"time":(\d+)/)?.[1]) + 2;
    await vi.waitFor(() => expect(Math.floor(Date.now() / 1000)).toBeGreaterThan(ends), { timeout: 60_000 });
    const line = await refused(bridge, replyTo, answer, 'token_expired');
    expect(line).toMatchObject({ level: 'info', request_id: built.requestId, agent: 'rpcutil' });
    expect(await replies).toEqual([]);
  });

  test.each<{
    readonly what: string;
    readonly reason: string;
    readonly sender: string | undefined;
    readonly says: RegExp;
    readonly reply: (asked: Asked) => Promise<Buffer> | Buffer;
  }>([
    {
      what: 'the answer to another request',
      reason: 'requestid_mismatch',
      sender: GHOST,
      says: /the reply of ghost\.example\.net was refused: it answers request [0-9a-f]{32}, its reply token belongs to another/,
      reply: async () => {
        const other = await ask();
        await attacker.send(other.replyTo, other.answer);
        return other.answer;
      },
    },
    {
      what: 'the answer of a node that was not asked',
      reason: 'unexpected_sender',
      sender: NODE1,
      says: /the reply of node1\.example\.net was refused: node1\.example\.net was not asked/,
      reply: ({ answer }) => exchange(answer, GHOST, NODE1),
    },
    {
      what: 'an answer that was changed after it was signed',
      reason: 'invalid_signature',
      sender: GHOST,
      says: /the reply of ghost\.example\.net was refused: .*server key/,
      reply: ({ answer }) => exchange(answer, 'pong', 'gnop'),
    },
    {
      what: 'bytes that are no message',
      reason: 'malformed_marshal',
      sender: undefined,
      says: /a reply was refused: /,
      reply: () => Buffer.from('\x04\x08{what is this?'),
    },
  ])('has the client told of $what: $reason', async ({ reason, sender, says, reply }) => {
    const asked = await ask({ expect: 2 });
    const line = await refused(bridge, asked.replyTo, await reply(asked), reason);
    expect(line).toMatchObject({ level: 'warn', request_id: asked.built.requestId, agent: 'rpcutil' });
    expect(line['sender']).toBe(sender);
    await attacker.send(asked.replyTo, asked.answer);
    const replies = await asked.replies;
    expect(replies).toHaveLength(2);
    expect(replies).toContainEqual(isGood);
    const error = replies.find(({ rpc }) => rpc?.statuscode !== 0);
    expect(error).toMatchObject({
      // The bridge answers for whom it does not know, by its own name.
      sender: sender ?? expect.stringMatching(/^bridge\d+\.example\.net$/),
      rpc: { statuscode: 5, statusmsg: expect.stringMatching(says) },
    });
    expect(error?.rpc?.statusmsg).toContain(`(${reason})`);
  });

  test('is counted for everything', async () => {
    const [here, there] = await Promise.all([stopAndCount(bridge), stopAndCount(staging)]);
    const told = { requestid_mismatch: 1, unexpected_sender: 1, invalid_signature: 1, malformed_marshal: 1 };
    expect(here.rejected).toEqual({ ...told, token_forged: 4, token_malformed: 2, token_expired: 1 });
    expect(there.rejected).toEqual({ token_forged: 1 });
    expect(here.errorsSent).toBe(4);
  });

  test('gets nothing to the client when the cluster’s key has been changed since the request', async () => {
    const keyed = (key: string) => (config: BridgeConfig) => ({ ...traced(config), cluster_key: key });
    const before = await world.bridge(keyed('the key before it was changed, also a long one'));
    const { replyTo, answer, replies } = await ask({ timeout: 3_000 });
    await before.child.kill();
    const after = await world.bridge(keyed('the key after it was changed, long as well'));
    await refused(after, replyTo, answer, 'token_forged');
    expect(await replies).toEqual([]);
  });
});

test('no log has a secret', () => {
  expectNoSecrets(world, ['it was changed']);
});
