import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { stopAndCount } from '../support/bridge.ts';
import type { RequestOptions } from '../support/choria-client.ts';
import { EAST, type FederationWorld, PING, startFederationWorld, WEST } from '../support/federation-world.ts';
import { makeAuthority } from '../support/pki.ts';

let federation: FederationWorld;

beforeAll(async () => {
  federation = await startFederationWorld([]);
});

afterEach(() => federation.forget());

afterAll(() => federation?.stop());

describe('what is refused', () => {
  const refusal = async (
    options: Partial<RequestOptions>,
    reason: string,
    who = federation.clients.ruby,
  ): Promise<string> => {
    const built = who.buildRequest({ collective: 'east', agent: 'rpcutil', body: PING, ...options });
    const [reply, ...more] = await who.send(built, { expect: 1 });
    expect(more).toEqual([]);
    expect(reply?.rpc).toMatchObject({ statuscode: 5, statusmsg: expect.stringContaining(`(${reason})`) });
    await federation.bridge.line(
      (line) => line['reason'] === reason && line['request_id'] === built.requestId,
      `the refusal of ${built.requestId}`,
    );
    for (const one of Object.values(federation.fleets))
      expect([...one.received(), ...one.refused()]).toEqual([]);
    return reply?.rpc?.statusmsg ?? '';
  };

  test('a collective of a member network that no route exports', async () => {
    await refusal(
      { targetSubjects: [`east.node.${EAST[0]}`, `east_secret.node.${EAST[0]}`] },
      'collective_mismatch',
    );
    await refusal(
      { collective: 'east_secret', targets: EAST.slice(0, 1), replyTo: 'east.reply.0123.1' },
      'collective_not_exported',
    );
  });

  test('another member beside the first', async () => {
    await refusal(
      { targetSubjects: [`east.node.${EAST[0]}`, `west.node.${WEST[0]}`] },
      'collective_mismatch',
    );
  });

  test('where requests are verified: a certificate of another CA, a signature that does not fit, other targets', async () => {
    const stranger = makeAuthority('somebody else').issue({ commonName: 'alice.mcollective' });
    const liar = await federation.world.client({
      certificate: stranger.certificate,
      key: stranger.privateKey,
    });
    const west = { collective: 'west' };
    expect(await refusal(west, 'untrusted_certificate', liar)).toMatch(/certificate/);
    const secure = (layer: object) => ({ ...layer, signature: Buffer.alloc(256, 1).toString('base64') });
    await refusal({ ...west, tamper: { secure } }, 'invalid_signature');
    const targetSubjects = ['west.broadcast.agent.package'];
    await refusal({ ...west, targetSubjects }, 'agent_mismatch');
  });

  test('where they are not verified, by the nodes themselves', async () => {
    const secure = (layer: object) => ({ ...layer, signature: Buffer.alloc(256, 1).toString('base64') });
    const built = federation.clients.ruby.buildRequest({
      collective: 'east',
      agent: 'rpcutil',
      body: PING,
      targets: EAST,
      tamper: { secure },
    });
    expect(await federation.clients.ruby.send(built, { timeout: 1_000 })).toEqual([]);
    expect(federation.fleets.east.received()).toEqual([]);
    expect(federation.fleets.east.refused().map(({ why }) => why)).toEqual(EAST.map(() => 'signature'));
  });

  test('by a member network: to have the bridge publish anything but replies on the federation network', async () => {
    const identity = federation.east.authority.issue({ commonName: 'attacker.mcollective' });
    const attacker = await federation.world.client({
      url: federation.east.nats.url,
      tls: federation.east.tls(identity),
    });
    const seen: string[] = [];
    const watch = federation.clients.go;
    await watch.subscribe('>', (payload) => {
      // The bridge publishes its statistics there as well.
      if (payload.includes('"choria:transport:1"')) seen.push(payload);
    });
    const asReply = (home: string): string => {
      const built = federation.clients.ruby.buildRequest({
        collective: 'west',
        agent: 'rpcutil',
        body: PING,
        targets: WEST,
      });
      const { protocol, data } = built.transports[0] ?? {};
      const headers = { mc_sender: EAST[0], federation: { req: built.requestId, 'reply-to': home } };
      return JSON.stringify({ protocol, data, headers });
    };
    const homes = [
      'choria.federation.production.federation',
      `west.node.${WEST[0]}`,
      'west.broadcast.agent.rpcutil',
      'nowhere.reply.x',
      '_INBOX.x',
    ];
    for (const home of homes)
      await attacker.publish('choria.federation.production.collective', asReply(home));
    await attacker.publish('choria.federation.production.collective', asReply('west.reply.x'));
    // The last one is a reply subject; had another been published, it would have been so before.
    await vi.waitFor(() => expect(seen).toHaveLength(1), { timeout: 60_000 });
    const refusals = federation.bridge
      .lines()
      .filter(({ sender, reason }) => sender === EAST[0] && reason !== undefined);
    expect(refusals.map(({ reason }) => reason).toSorted()).toEqual([
      'collective_not_exported',
      'invalid_reply_to',
      'invalid_reply_to',
      'invalid_reply_to',
      'invalid_reply_to',
    ]);
    expect(federation.fleets.west.received()).toEqual([]);
  });
});

test('is counted', async () => {
  const counts = await stopAndCount(federation.bridge);
  // The attacker's reply to a collective that is not exported was one of a node.
  expect(counts.repliesReceived - counts.repliesSent).toBe(1);
  expect(counts.rejected).toEqual({
    collective_mismatch: 2,
    collective_not_exported: 2,
    untrusted_certificate: 1,
    invalid_signature: 1,
    agent_mismatch: 1,
    invalid_reply_to: 4,
  });
});
