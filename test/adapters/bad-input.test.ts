import { describe, expect, it } from 'vitest';
import { CALLER } from './bad-input/caller.ts';
import { rpc } from './bad-input/case.ts';
import { CONTENT } from './bad-input/content.ts';
import { ROUTE } from './bad-input/route.ts';
import { UNANSWERED, UNREADABLE } from './bad-input/unreadable.ts';
import { readFrame } from './daemon.ts';
import {
  alice,
  authority,
  BRIDGE,
  MAX_BYTES,
  MAX_TTL,
  makeWorld,
  settled,
  until,
  type World,
  type WorldOptions,
} from './world.ts';

/** Sends one bad message and waits until the bridge has had its say. */
const refusalOf = async (send: (world: World) => string | undefined, options: WorldOptions = {}) => {
  const world = await makeWorld(options);
  const id = send(world);
  await until('the refusal is logged', () => world.refusals().length > 0);
  await settled();
  return { ...world, id };
};

describe('a message that cannot be answered', () => {
  it.each(UNREADABLE)('$what: $code', async ({ code, send }) => {
    const { bridge, client, frames, refusals } = await refusalOf(({ client }) =>
      typeof send === 'string' || Buffer.isBuffer(send) ? void client.publish(send) : client.send(send),
    );
    expect(bridge.stats.snapshot().rejected).toEqual({ [code]: 1 });
    expect(refusals()).toEqual([
      expect.objectContaining({ fields: expect.objectContaining({ reason: code }) }),
    ]);
    expect(client.replies).toEqual([]);
    expect(frames).toEqual([]);
  });

  it.each(UNANSWERED)('with $what: $code', async ({ code, send }) => {
    const { bridge, client, frames, id, refusals } = await refusalOf(({ client }) => client.send(send));
    expect(bridge.stats.snapshot().rejected).toEqual({ [code]: 1 });
    expect(refusals()).toEqual([
      expect.objectContaining({
        fields: expect.objectContaining({ reason: code, request_id: id, sender: 'alice.mcollective' }),
      }),
    ]);
    expect(client.replies).toEqual([]);
    expect(frames).toEqual([]);
  });
});

describe.each(['ruby', 'go'] as const)('a bad request in the dialect of %s', (dialect) => {
  it.each([...CONTENT, ...CALLER, ...ROUTE])(
    'with $what is refused as $code, and the client is told',
    async ({ code, send, says, world }) => {
      const { bridge, client, frames, id, refusals } = await refusalOf(
        ({ client }) => client.send({ dialect, ...send }),
        world,
      );
      const counts = bridge.stats.snapshot();
      expect(counts).toMatchObject({ rejected: { [code]: 1 }, errorsSent: 1, requestsSent: 0 });
      expect(client.replies).toEqual([
        expect.objectContaining({
          requestId: id,
          node: BRIDGE,
          sender: BRIDGE,
          agent: 'rpcutil',
          status: 5,
          statusMessage: expect.stringMatching(/^mcbridge: /),
          wrapped: dialect === 'ruby',
        }),
      ]);
      expect(client.replies[0]?.statusMessage).toContain(says);
      expect(client.replies[0]?.statusMessage).toContain(`(${code})`);
      expect(refusals()).toHaveLength(1);
      const [line] = refusals();
      expect(line?.fields).toMatchObject({ reason: code, request_id: id, agent: 'rpcutil' });
      // A sender that is no identity must not get into the log either.
      expect(line?.fields['sender']).toBe(
        send.envelope?.['senderid'] === undefined ? 'alice.mcollective' : undefined,
      );
      expect(frames).toEqual([]);
    },
  );
});

describe('what looks odd but is right', () => {
  it('a ttl above the longest is capped, not refused', async () => {
    const { bridge, client, frames } = await makeWorld();
    client.send({ envelope: { ttl: 10 * MAX_TTL } });
    await until('the request is sent', () => frames.length === 1);
    expect(frames.map((frame) => readFrame(frame).ttl)).toEqual([MAX_TTL]);
    expect(bridge.stats.snapshot().rejected).toEqual({});
  });

  it('a privileged certificate may speak for a caller who has none', async () => {
    const { client, frames } = await makeWorld();
    client.send({
      signer: authority.issue({ commonName: 'fed.privileged.mcollective', usages: ['client'] }),
    });
    await until('the request is sent', () => frames.length === 1);
    expect(frames.map((frame) => readFrame(frame).callerId)).toEqual(['cert=alice']);
  });

  it('a message just below the size limit is carried', async () => {
    const { client, frames, bridge } = await makeWorld();
    client.send({ body: rpc({ data: { text: 'x'.repeat(MAX_BYTES / 2) } }) });
    await until('the request is sent', () => frames.length === 1);
    expect(bridge.stats.snapshot().requestsSent).toBe(1);
  });

  it('a callerid of alice’s with her own certificate passes', async () => {
    const { client, frames } = await makeWorld();
    client.send({ signer: alice });
    await until('the request is sent', () => frames.length === 1);
    expect(frames[0] && readFrame(frames[0]).callerId).toBe('cert=alice');
  });
});
