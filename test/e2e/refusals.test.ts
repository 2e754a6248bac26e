import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BridgeProcess } from '../support/bridge.ts';
import type { ChoriaClient } from '../support/choria-client.ts';
import { makeAuthority } from '../support/pki.ts';
import { NODE1, startWorld, type World } from '../support/world.ts';

let world: World;
let bridge: BridgeProcess;
const clients: Partial<Record<'ruby' | 'go', ChoriaClient>> = {};

const client = (dialect: 'ruby' | 'go'): ChoriaClient => {
  const one = clients[dialect];
  if (one === undefined) throw new Error('not connected');
  return one;
};

beforeAll(async () => {
  world = await startWorld({ nodes: [NODE1] });
  bridge = await world.bridge();
  for (const dialect of ['ruby', 'go'] as const) clients[dialect] = await world.client({ dialect });
});

afterAll(() => world.stop());

describe('what is refused', () => {
  const refusal = async (
    who: ChoriaClient,
    options: Partial<Parameters<ChoriaClient['rpc']>[0]> = {},
  ): Promise<string> => {
    const [reply, ...more] = await who.rpc({
      agent: 'rpcutil',
      action: 'ping',
      targets: [NODE1],
      expect: 1,
      ...options,
    });
    expect(more).toEqual([]);
    expect(reply?.rpc?.statuscode).toBe(5);
    return reply?.rpc?.statusmsg ?? '';
  };

  test('a caller whom no rule maps gets status 5 that says so, and nothing in discovery', async () => {
    const guest = await world.client({ name: 'guest.choria' });
    expect(await refusal(guest)).toMatch(/no identity rule maps choria=guest\.choria.*no_mapping/);
    expect(await guest.discover({ timeout: 1_000 })).toEqual([]);
    const line = await bridge.line(
      (it) => it['reason'] === 'no_mapping' && it['agent'] === 'discovery',
      'the refused discovery',
    );
    expect(line).toMatchObject({
      caller: 'choria=guest.choria',
      request_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  test('a mapping that yields a privileged name', async () => {
    expect(await refusal(await world.client({ name: 'boss.mcollective' }))).toMatch(
      /cert=root.*privileged_mapping/,
    );
  });

  test('a caller without a key in the folder', async () => {
    expect(await refusal(await world.client({ name: 'nokey.mcollective' }))).toMatch(
      /nobody\.pem.*no_signing_key/,
    );
  });

  test('a caller whose key the daemons do not know hears nothing, and the log says that nobody answered', async () => {
    const stranger = await world.client({ name: 'stranger.mcollective' });
    const built = stranger.buildRequest({
      agent: 'rpcutil',
      body: '{"agent":"rpcutil","action":"ping","data":{}}',
      targets: [NODE1],
      ttl: 2,
    });
    expect(await stranger.send(built, { timeout: 1_500 })).toEqual([]);
    const line = await bridge.line(
      (it) => it['request_id'] === built.requestId && it.event === 'request',
      'the request',
    );
    expect(line).toMatchObject({
      caller_in: 'choria=stranger.mcollective',
      caller_out: 'cert=stranger',
      replies: 0,
      unheard: 1,
    });
  });

  test('a certificate of another CA', async () => {
    const other = makeAuthority('somebody else').issue({ commonName: 'alice.mcollective' });
    const liar = await world.client({ certificate: other.certificate, key: other.privateKey });
    expect(await refusal(liar)).toMatch(/untrusted_certificate/);
  });

  test('an expired request is counted and logged, and its client is told of the clocks', async () => {
    const time = Math.floor(Date.now() / 1000) - 61;
    const alice = client('ruby');
    const built = alice.buildRequest({
      agent: 'rpcutil',
      body: '{"agent":"rpcutil","action":"ping","data":{}}',
      targets: [NODE1],
      time,
    });
    const [told] = await alice.send(built, { expect: 1 });
    expect(told?.rpc?.statusmsg).toMatch(/is 6\d s behind this bridge's clock.*\(expired\)/);
    await bridge.line(
      (it) => it['request_id'] === built.requestId && it['reason'] === 'expired',
      'the expired request',
    );
  });

  test('a ttl above max_ttl counts as max_ttl', async () => {
    const alice = client('ruby');
    const ping = {
      agent: 'rpcutil',
      body: '{"agent":"rpcutil","action":"ping","data":{}}',
      targets: [NODE1],
      ttl: 86_400,
    };
    expect(await alice.send(alice.buildRequest(ping), { expect: 1 })).toHaveLength(1);
    const old = alice.buildRequest({ ...ping, time: Math.floor(Date.now() / 1000) - 700 });
    const [told] = await alice.send(old, { expect: 1 });
    expect(told?.rpc?.statusmsg).toMatch(/it was to live for 600 s.*\(expired\)/);
    await bridge.line(
      (it) => it['request_id'] === old.requestId && it['reason'] === 'expired',
      'the request older than max_ttl',
    );
  });

  test('a collective that is not exported', async () => {
    const ping = {
      agent: 'rpcutil',
      body: '{"agent":"rpcutil","action":"ping","data":{}}',
      targets: [NODE1],
    };
    const alice = client('ruby');
    const [reply] = await alice.send(
      alice.buildRequest({ ...ping, collective: 'secret', replyTo: 'mcollective.reply.0123456789abcdef.1' }),
      { expect: 1 },
    );
    expect(reply?.rpc).toMatchObject({
      statuscode: 5,
      statusmsg: expect.stringContaining('collective_not_exported'),
    });
    // Nor is anything published below it.
    const silent = alice.buildRequest({ ...ping, collective: 'secret' });
    expect(silent.replyTo).toMatch(/^secret\.reply\./);
    expect(await alice.send(silent, { timeout: 1_000 })).toEqual([]);
    await bridge.line(
      (it) =>
        it['reason'] === 'collective_not_exported' &&
        it.msg.includes('its reply-to is in the collective secret'),
      'the reply subject',
    );
  });

  test('targets in another collective than the signed one', async () => {
    const targetSubjects = [`uk_collective.node.${NODE1}`];
    expect(await refusal(client('go'), { targetSubjects })).toMatch(/collective_mismatch/);
  });
});
