import { describe, expect, test } from 'vitest';
import type { Decided } from '../../src/envelope/decision.ts';
import { configOf, LEGACY_NODES, makeAppWorld } from './world.ts';

const BRIDGE = 'bridge.example.net';

/** The configuration of an app whose routes have a policy. */
const withPolicy = (policy: string) =>
  configOf({
    change: (text) =>
      `${text.replaceAll(/^( {4}identities: .*)$/gm, '$1\n    policy: ops')}policies:\n  ops:\n    ${policy}\n`,
  });

const started = async (policy: string) => {
  const world = await makeAppWorld();
  const app = world.app(withPolicy(policy));
  const decided: Decided[] = [];
  app.observe({ decided: (it) => void decided.push(it) });
  await app.start();
  const rejected = () => world.log.filter(({ fields }) => fields['event'] === 'rejected');
  return { world, app, decided, rejected };
};

/** What a client of the federation gets in place of an answer. */
const refused = (sentence: string) => [expect.stringContaining(sentence)];
const NOT_AUTHORIZED = refused(
  '"statusCode":1,"statusMessage":"You are not authorized to call this agent or action: ',
);

const DENY = 'rules: [{ name: nobody, agents: [rpcutil], verdict: deny, reason: not today }]';

describe('an app whose routes have a policy', () => {
  test('refuses what that denies, and tells clients of both kinds', async () => {
    const { world, app, rejected } = await started(DENY);
    expect(await world.ask('mcollective', undefined, 1)).toEqual(NOT_AUTHORIZED);
    expect(await world.mco(undefined, 1)).toEqual([BRIDGE]);
    expect(rejected().map(({ fields }) => [fields['reason'], fields['caller'], fields['rule']])).toEqual([
      ['denied_by_policy', 'choria=alice.mcollective', 'nobody'],
      ['denied_by_policy', 'cert=alice', 'nobody'],
    ]);
    expect(app.status().counts).toMatchObject({ requestsSent: 0, rejected: { denied_by_policy: 2 } });
    await app.stop();
  });

  test('answers as often as a client names nodes', async () => {
    const { world, app } = await started(DENY);
    await world.ask('mcollective', LEGACY_NODES, 1);
    await expect.poll(() => app.status().counts.errorsSent).toBe(LEGACY_NODES.length);
    expect(world.replies.filter((reply) => reply.endsWith(` ${BRIDGE}`))).toHaveLength(LEGACY_NODES.length);
    await app.stop();
  });

  test('lets pass what its rules allow, by the names and the way that they say', async () => {
    const { world, app, decided } = await started(
      'rules: [{ name: some, callers: [/choria=.*/], as: [cert=alice], egress: [legacy], verdict: allow }]',
    );
    expect((await world.ask('mcollective', undefined, 2)).toSorted()).toEqual(LEGACY_NODES);
    expect(await world.ask('second', undefined, 1)).toEqual(NOT_AUTHORIZED);
    expect(decided.map(({ routeId, decision }) => [routeId.to, decision.verdict, decision.rule])).toEqual([
      ['legacy', 'allow', 'some'],
      ['second', 'deny', 'default'],
    ]);
    await app.stop();
  });

  test('goes on by another policy when the configuration is another', async () => {
    const { world, app } = await started(DENY);
    expect(await world.ask('mcollective', undefined, 1)).toEqual(NOT_AUTHORIZED);
    await app.apply(withPolicy('rules: [{ verdict: allow }]'));
    expect((await world.ask('mcollective', undefined, 2)).toSorted()).toEqual(LEGACY_NODES);
    await app.apply(withPolicy(DENY));
    expect(await world.ask('mcollective', undefined, 1)).toEqual(NOT_AUTHORIZED);
    await app.stop();
  });

  test('does not forget who has asked too often when the configuration is another', async () => {
    const limits = (burst: number) =>
      `rules: [{ verdict: allow }]\n    limits: [{ per: caller, requests_per_second: 0.0001, requests_burst: ${burst} }]`;
    const { world, app, rejected } = await started(limits(1));
    expect((await world.ask('mcollective', undefined, 2)).toSorted()).toEqual(LEGACY_NODES);
    await app.apply(withPolicy(limits(2)));
    expect(await world.ask('mcollective', undefined, 1)).toEqual(refused('(rate_limited)'));
    expect(rejected().map(({ fields }) => fields['reason'])).toEqual(['rate_limited']);
    await app.stop();
  });
});
