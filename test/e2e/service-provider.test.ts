import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { headVerifier } from '../../src/audit/head.ts';
import { verify } from '../../src/audit/verify/verify.ts';
import { DISCOVERY } from '../support/mcollectived.ts';
import { answer, changed, forgedAnswers } from '../support/provider-forgeries.ts';
import { type ProviderWatch, watchProvider } from '../support/provider-watch.ts';
import { type Customer, DB, type ProviderWorld, startProviderWorld, WEB } from '../support/provider-world.ts';
import { connectStompClient } from '../support/stomp-client.ts';
import { parseExposition } from '../telemetry/prometheus.ts';

// One operator and customers, by the very configuration that docs/service-provider.md shows.

let world: ProviderWorld;

beforeAll(async () => {
  world = await startProviderWorld();
});

afterAll(() => world?.stop());

type Asked = Parameters<Awaited<ReturnType<ProviderWorld['client']>>['rpc']>[0];

const ask = async (name: string, customer: Customer, asked: Asked) => {
  const client = await world.client(`${name}.mcollective`, customer);
  const replies = await client.rpc({ expect: 1, timeout: 60_000, ...asked });
  return replies.map(({ sender, rpc }) => [sender, rpc?.statuscode, rpc?.statusmsg]);
};

const PING = '{"agent":"rpcutil","action":"ping","data":{}}';
const CLUSTERS = ['acme', 'globex', 'initech', 'provider'];
/** Where the bridge awaits the answers of Choria's nodes. */
const ANSWERS = 'choria.federation.provider.collective';

const NOT_AUTHORIZED = 'You are not authorized to call this agent or action';

describe('the operator', () => {
  test('reaches the nodes of each customer, which know him by the name that this customer gave him', async () => {
    const ping = { agent: 'rpcutil', action: 'ping', targets: [WEB] };
    expect(await ask('alice', 'acme', ping)).toEqual([[WEB, 0, 'OK']]);
    expect(world.fleet.received().map(({ node, caller }) => [node, caller])).toEqual([
      [WEB, 'choria=ops-alice.mcollective'],
    ]);
    expect(world.fleet.refused()).toEqual([]);
    expect(await ask('alice', 'globex', ping)).toEqual([[WEB, 0, 'OK']]);
    await world.daemon.waitFor(/cert=provider-alice/, 60_000);
    expect(world.fleet.received()).toHaveLength(1);
  });

  test('finds nodes of that customer alone', async () => {
    const discover = async (customer: Customer, expected: number) =>
      (await world.client('alice.mcollective', customer)).discover({ expect: expected });
    expect(await discover('acme', 2)).toEqual([DB, WEB]);
    expect(await discover('globex', 1)).toEqual([WEB]);
  });

  test('may ask what the contract with this customer allows, and reads why not where it does not', async () => {
    const puppet = (node: string) => ({ agent: 'puppet', action: 'runonce', targets: [node] });
    const others = `${NOT_AUTHORIZED}: at Acme who is on call runs Puppet, on web machines, ten at a time (mcbridge: denied_by_policy)`;
    const settings = {
      agent: 'rpcutil',
      action: 'get_config_item',
      data: { item: 'identity' },
      targets: [WEB],
    };
    const provider = expect.any(String);
    world.fleet.forget();
    expect(await ask('alice', 'acme', puppet(WEB))).toEqual([[provider, 1, others]]);
    expect(await ask('bob', 'acme', puppet(DB))).toEqual([[provider, 1, others]]);
    expect(await ask('alice', 'acme', settings)).toEqual([
      [provider, 1, `${NOT_AUTHORIZED}: Acme does not show its settings (mcbridge: denied_by_policy)`],
    ]);
    expect(world.fleet.received()).toEqual([]);
    expect(await ask('bob', 'acme', puppet(WEB))).toEqual([[WEB, 0, 'OK']]);
    expect(world.fleet.received().map(({ caller, action }) => [caller, action])).toEqual([
      ['choria=ops-bob.mcollective', 'runonce'],
    ]);
    const before = world.daemon.log().length;
    expect(await ask('alice', 'globex', settings)).toEqual([
      [provider, 1, `${NOT_AUTHORIZED}: no rule of the policy globex allows it (mcbridge: denied_by_policy)`],
    ]);
    expect(await ask('alice', 'globex', { ...settings, action: 'inventory', data: {} })).toEqual([
      [WEB, 0, 'OK'],
    ]);
    expect(world.daemon.log().slice(before)).not.toContain('get_config_item');
  });

  test('has no name at a customer who gave him none', async () => {
    const ping = { agent: 'rpcutil', action: 'ping', targets: [WEB] };
    expect(await ask('bob', 'globex', ping)).toEqual([
      [expect.any(String), 5, expect.stringMatching(/provider-bob\.pem.*no_signing_key/)],
    ]);
  });
});

/** A request of the operator's with its answer, and where on his network the two go. */
const honest = async (customer: Customer): Promise<readonly string[]> => {
  const client = await world.client('alice.mcollective', customer);
  const built = client.buildRequest({
    agent: 'rpcutil',
    body: PING,
    ...(customer !== 'globex' && { targets: [WEB] }),
  });
  const [reply] = await client.send(built, { expect: 1, timeout: 60_000 });
  expect(reply?.sender).toBe(WEB);
  return [built.subject, built.replyTo];
};

/** An honest request to each customer, and what passes by there. */
const overheard = async (watch: ProviderWatch) => {
  await honest('acme');
  const [, replyTo = ''] = await honest('globex');
  const { acme, globex } = await watch.take();
  const reply = answer.parse(JSON.parse(acme.find(({ subject }) => subject === ANSWERS)?.payload ?? ''));
  const frame = globex.find(({ destination }) => destination === '/topic/mcollective.rpcutil.agent');
  const legacyPath = frame?.headers['reply-to'] ?? '';
  expect(legacyPath).toMatch(/^\/queue\/mcollective\.reply\.provider\./);
  return {
    replyTo,
    reply,
    choriaToken: reply.headers.federation['reply-to'].slice('mcollective.reply.mcbridge.'.length),
    legacyToken: legacyPath.slice('/queue/mcollective.reply.provider.'.length),
    body: frame?.body ?? Buffer.alloc(0),
  };
};

const refusals = (): readonly string[] =>
  world.bridge
    .lines()
    .filter(({ event }) => event === 'rejected')
    .map(({ reason }) => String(reason));

const counted = async (reason: string): Promise<number> => {
  const { url } = await world.bridge.line(({ event }) => event === 'http', 'the address of the metrics');
  const page = parseExposition(await (await fetch(new URL('/metrics', String(url)))).text());
  return page.value('mcbridge_rejected_total', { reason });
};

const untilRefused = (count: number): Promise<void> =>
  vi.waitFor(() => expect(refusals()).toHaveLength(count), { timeout: 60_000, interval: 50 });

describe('a customer', () => {
  let watch: ProviderWatch;

  beforeEach(async () => {
    watch = await watchProvider(world);
  });

  afterEach(() => watch.close());

  test('with Choria reaches nobody, whatever it sends', async () => {
    const { replyTo, reply, choriaToken, legacyToken } = await overheard(watch);
    // From now on nothing is to come to Globex, so a consumer takes nothing from others.
    await watch.collect('/queue/>');
    const mallory = await world.atAcme('mallory.mcollective', 'globex');

    // Requests, as a client of any federation and of any collective.
    const request = mallory.buildRequest({ agent: 'rpcutil', body: PING, targets: [WEB] });
    const ping = mallory.buildRequest({ agent: 'discovery', body: 'cGluZw==' });
    for (const { payloads, replyTo: home } of [request, ping])
      for (const subject of [
        ...CLUSTERS.map((cluster) => `choria.federation.${cluster}.federation`),
        'mcollective.broadcast.agent.rpcutil',
        'mcollective.broadcast.agent.discovery',
        'mcollective.node.elsewhere.example.net',
      ])
        await mallory.publish(subject, payloads[0] ?? '', home);

    // Answers to nobody's question, with ways home of its own choice.
    const before = refusals().length;
    const forged = [
      ...forgedAnswers({ reply, replyTo, choriaToken, legacyToken }),
      request.payloads[0] ?? '',
      'nonsense',
    ];
    for (const message of forged) await mallory.publish(ANSWERS, message, replyTo);
    // Where a bridge of another configuration would listen.
    for (const message of forged)
      for (const cluster of ['acme', 'globex'])
        await mallory.publish(`choria.federation.${cluster}.collective`, message, replyTo);
    await untilRefused(before + forged.length);
    expect(new Set(refusals().slice(before))).toEqual(
      new Set(['missing_field', 'token_malformed', 'token_forged', 'malformed_json']),
    );
    // Once more through the whole bridge: what it might have sent for those is before this.
    const after = await honest('acme');
    const { operator, globex } = await watch.take();
    expect(operator).toEqual(after);
    expect(globex).toEqual([]);
  });

  test('who knows the token of another one’s request cannot answer it, though he has a node of that name', async () => {
    const [, replyTo = ''] = await honest('initech');
    await watch.take();
    await honest('acme');
    const { acme, operator } = await watch.take();
    const answered = acme.find(({ subject }) => subject === ANSWERS)?.payload ?? '';
    expect(answer.parse(JSON.parse(answered))).toBeDefined();
    const before = { lines: refusals().length, forged: await counted('token_forged') };

    // Acme tells Initech all that it knows; the request's ttl lasts.
    const mallory = await world.atInitech('mallory.mcollective');
    await mallory.publish(ANSWERS, answered, replyTo);
    await untilRefused(before.lines + 1);
    expect(refusals().slice(before.lines)).toEqual(['token_forged']);
    expect(await counted('token_forged')).toBe(before.forged + 1);
    expect(world.bridge.lines().findLast(({ event }) => event === 'rejected')?.['msg']).toContain(
      'in this network',
    );
    const after = await honest('initech');
    expect((await watch.take()).operator).toEqual(after);

    // It is a good answer where the request was asked.
    const insider = await world.atAcme('insider.mcollective');
    await insider.publish(ANSWERS, answered);
    await honest('acme');
    const { operator: come } = await watch.take();
    expect(come).toContain(operator.at(-1));
    expect(refusals()).toHaveLength(before.lines + 1);
  });

  test('with MCollective reaches nobody, whatever it sends', async () => {
    const { replyTo, choriaToken, legacyToken, body } = await overheard(watch);

    // The clients of its own people find its own nodes.
    const carol = await world.atGlobex('carol');
    const { stdout } = await carol.run('ping', ...DISCOVERY);
    expect(stdout.split('\n').filter((line) => line.includes('time='))).toEqual([
      expect.stringMatching(`^${WEB} `),
    ]);
    await carol.run('rpc', 'rpcutil', 'ping', '-I', DB, ...DISCOVERY);
    await carol.remove();

    const mallory = await connectStompClient(world.globex.activemq);
    for (const place of [
      '/topic/mcollective.rpcutil.agent',
      '/topic/mcollective.discovery.agent',
      '/queue/mcollective.nodes',
    ])
      await mallory.send(place, body, { mc_identity: DB, mc_sender: WEB, 'reply-to': `/queue/${replyTo}` });
    const before = refusals().length;
    const forged = [
      changed(legacyToken),
      'A'.repeat(80),
      choriaToken,
      replyTo,
      'choria.federation.acme.federation',
    ];
    for (const token of forged)
      await mallory.send(`/queue/mcollective.reply.provider.${token}`, body, {
        'reply-to': `/queue/${replyTo}`,
      });
    mallory.close();
    await untilRefused(before + forged.length);
    expect(new Set(refusals().slice(before))).toEqual(new Set(['token_malformed', 'token_forged']));
    const after = await honest('globex');
    const { operator, acme } = await watch.take();
    expect(operator).toEqual(after);
    expect(acme).toEqual([]);
  });
});

const record = z.looseObject({
  caller: z.string().optional(),
  action: z.string().optional(),
  mcbridge: z.looseObject({
    kind: z.string(),
    mapped_caller: z.string().optional(),
    egress: z.string().optional(),
    verdict: z.string().optional(),
    rule: z.string().optional(),
  }),
});

// The last one: it ends the bridge.
test('each customer has an audit file of its own, which holds nothing of the other, and nobody has touched it', async () => {
  await world.bridge.stop();
  const verifiers = [headVerifier(Buffer.from(world.auditKey))];
  const read = async (customer: string) => {
    const file = join(world.files.folder, 'audit', `${customer}.log`);
    expect(await verify([file], { verifiers })).toMatchObject({ findings: [], chains: [{ lost: 0 }] });
    const text = readFileSync(file, 'utf8');
    const requests = text
      .trimEnd()
      .split('\n')
      .map((line) => record.parse(JSON.parse(line)))
      .filter(({ mcbridge }) => mcbridge.kind === 'request');
    return { text, requests };
  };
  const [acme, globex, initech, provider] = await Promise.all(
    ['acme', 'globex', 'initech', 'provider'].map(read),
  );
  const told = (of: typeof acme) =>
    of?.requests.map(({ caller, action, mcbridge: { mapped_caller: mapped, verdict, rule } }) =>
      [caller, mapped, action, verdict, rule].join(' '),
    );
  expect(new Set(acme?.requests.map(({ mcbridge }) => mcbridge.egress))).toEqual(new Set(['acme']));
  expect(new Set(globex?.requests.map(({ mcbridge }) => mcbridge.egress))).toEqual(new Set(['globex']));
  for (const [own, text] of Object.entries({
    acme: acme?.text,
    globex: globex?.text,
    initech: initech?.text,
  }))
    for (const other of ['acme', 'globex', 'initech'].filter((name) => name !== own))
      expect(text).not.toContain(other);
  expect(told(acme)).toEqual(
    expect.arrayContaining([
      'choria=alice.mcollective choria=ops-alice.mcollective ping allow everybody-looks',
      'choria=alice.mcollective choria=ops-alice.mcollective runonce deny others-run-nothing',
      'choria=bob.mcollective choria=ops-bob.mcollective runonce allow on-call-runs-puppet',
    ]),
  );
  expect(told(globex)).toEqual(
    expect.arrayContaining([
      'choria=alice.mcollective cert=provider-alice ping allow everybody-looks',
      'choria=alice.mcollective cert=provider-alice get_config_item deny default',
    ]),
  );
  const each = [acme, globex, initech].map((customer) => customer?.requests.length ?? 0);
  expect(provider?.requests.length).toBe(each.reduce((sum, count) => sum + count));
});
