import { describe, expect, it } from 'vitest';
import type { RejectionCode } from '../../../../src/envelope/rejection.ts';
import { CALLER } from '../../bad-input/caller.ts';
import { CONTENT } from '../../bad-input/content.ts';
import { UNANSWERED, UNREADABLE } from '../../bad-input/unreadable.ts';
import { COLLECTIVE } from '../../brokers.ts';
import type { Deviation } from '../../choria-client.ts';
import { settled, until } from '../../world.ts';
import { type CollectiveWorld, makeCollectiveWorld, NODES } from './ingress-world.ts';

const [N1 = ''] = NODES;
const SUBJECT = `${COLLECTIVE}.broadcast.agent.rpcutil`;

/** Sends one bad message; all that was handed over for it. */
const refusalOf = async (send: (world: CollectiveWorld) => string | undefined) => {
  const world = await makeCollectiveWorld();
  const id = send(world);
  await until('it is refused', () => world.rejections.length > 0);
  await settled();
  expect(world.requests).toEqual([]);
  expect(world.ignored).toEqual([]);
  expect(world.rejections).toHaveLength(1);
  const [{ rejection, home } = {}] = world.rejections;
  if (rejection === undefined) throw new Error('no rejection');
  return { ...world, id, rejection, home };
};

/** Found by the bridge, or where the request is written for the side beyond it; filters are what that side can say. */
const LATER: ReadonlySet<RejectionCode> = new Set(['no_mapping', 'unsupported_value', 'unsupported_filter']);
const isOurs = ({ code }: { readonly code: RejectionCode }): boolean => !LATER.has(code);
/** The federation header is not looked at. */
const isHere = ({ send }: { readonly send: Deviation }): boolean =>
  send.federation === undefined && !(send.headers !== undefined && 'federation' in send.headers);

describe('a message that cannot be answered', () => {
  // An empty message is what `mcbridge check` sends to see whether it may.
  it.each(UNREADABLE.filter(({ send }) => send !== ''))('$what: $code', async ({ code, send }) => {
    const { rejection, home } = await refusalOf(({ client, send: ask }) =>
      typeof send === 'string' || Buffer.isBuffer(send) ? void client.publish(send, SUBJECT) : ask(send),
    );
    expect(rejection.code).toBe(code);
    expect(home).toBeUndefined();
  });

  it('of no bytes is left alone, and counted', async () => {
    const world = await makeCollectiveWorld();
    world.client.publish('', SUBJECT);
    await until('it is ignored', () => world.ignored.length > 0);
    expect(world).toMatchObject({ ignored: [{ why: 'bridged' }], rejections: [], requests: [] });
  });

  it('is one of protocol 2', async () => {
    const transport = { protocol: 'io.choria.protocol.v2.transport', data: 'AAAA', headers: {} };
    const { rejection, home } = await refusalOf(
      ({ client }) => void client.publish(JSON.stringify(transport), SUBJECT),
    );
    expect(rejection.code).toBe('wrong_protocol');
    expect(home).toBeUndefined();
  });

  it.each(UNANSWERED.filter(isOurs))('with $what: $code', async ({ code, send }) => {
    const { id, rejection } = await refusalOf((world) => world.send(send));
    expect(rejection.code).toBe(code);
    expect(rejection.context).toMatchObject({ requestId: id, sender: 'alice.mcollective' });
  });
});

describe.each(['ruby', 'go'] as const)('a bad request in the dialect of %s', (dialect) => {
  const NODE = `${COLLECTIVE}.node.${N1}`;
  const own = [
    {
      what: 'a subject of another agent than the signed one',
      code: 'agent_mismatch',
      send: { subjects: [`${COLLECTIVE}.broadcast.agent.puppet`] },
      says: 'puppet',
    },
    {
      what: 'a broadcast subject of another collective than the signed one',
      code: 'collective_mismatch',
      send: { envelope: { collective: 'secret' } },
      says: 'secret',
    },
    {
      what: 'a node’s subject in another collective than the signed one',
      code: 'collective_mismatch',
      send: { subjects: [NODE], envelope: { collective: 'secret' } },
      says: 'secret',
    },
    {
      what: 'an agent of which no subject can be',
      code: 'invalid_target',
      send: { subjects: [`${COLLECTIVE}.broadcast.agent.a%b`] },
      says: 'a%b',
    },
  ] as const;

  it.each([...CONTENT.filter(isHere).filter(isOurs), ...CALLER.filter(isOurs), ...own])(
    'with $what is refused as $code, with the way home',
    async ({ code, send, says }) => {
      const { client, id, ingress, rejection, home } = await refusalOf((world) =>
        world.send({ dialect, ...send }),
      );
      expect(rejection.code).toBe(code);
      expect(rejection.message).toContain(says);
      if (home === undefined) throw new Error('no way home');
      expect(home).toMatchObject({ requestId: id, agent: 'rpcutil', dialect });
      const payload = { kind: 'rpc', statusCode: 5, statusMessage: 'no', data: new Map() } as const;
      ingress.reply({ home, sender: 'bridge.example.net', time: 1_000, payload });
      await until('the client is told', () => client.replies.length > 0);
      expect(client.replies).toMatchObject([{ requestId: id, status: 5, wrapped: dialect === 'ruby' }]);
    },
  );
});
