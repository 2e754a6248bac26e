import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { encodeToken } from '../../src/adapters/kit/token.ts';
import { specsOf } from '../../src/app/links.ts';
import { networkOf, ReplyNetworks } from '../../src/app/reply-networks.ts';
import { egressKeysOf } from '../../src/app/token-keys.ts';
import { until } from '../adapters/world.ts';
import { context, decode, home, NOW } from '../wire/token-support.ts';
import { load, some } from './load.ts';
import { configOf, KEYS, makeAppWorld, memoryBrokers, type Parts, SECOND_NODES } from './world.ts';

const tokenKeys = { tokenKey: createSecretKey(randomBytes(32)), nextTokenKey: undefined };
const SAME_SERVERS = { second: 'stomp://legacy:61613' };
const sites = {
  federation: 'nats://federation:4222',
  clients: 'stomp://clients:61613',
  legacy: 'stomp://legacy:61613',
  second: 'stomp://second:61613',
  choria: 'nats://choria:4222',
};

const named = (text: string, egress: string, network: string): string =>
  text.replace(
    `\n  ${egress}:\n    type: mcollective-stomp\n    servers`,
    `\n  ${egress}:\n    network: ${network}\n    type: mcollective-stomp\n    servers`,
  );

/** An app as far as its reply tokens go, of one configuration after another. */
const tokens = () => {
  let now = NOW - 60_000;
  let { config } = configOf();
  const specs = () => specsOf(config, (path) => KEYS.read(path));
  let networks: ReplyNetworks | undefined;
  const keysOf = (egress: string) =>
    egressKeysOf(tokenKeys, networkOf(config, egress), () => networks?.at(egress) ?? []);
  return {
    follow: (parts: Parts = {}): void => {
      ({ config } = configOf(parts));
      if (networks === undefined) networks = new ReplyNetworks(() => now, config, specs());
      else networks.follow(config, specs());
    },
    later: (ms: number): void => {
      now += ms;
    },
    keysOf,
    made: (egress: string): string =>
      encodeToken(home, undefined, { ...context, key: keysOf(egress).tokenKey }),
    read: (egress: string, token: string): string => {
      const { tokenKey: key, otherTokenKeys: otherKeys } = keysOf(egress);
      return decode(token, { key, otherKeys });
    },
  };
};

/** What becomes of replies of one egress's nodes at the other, both ways. */
const exchanged = (parts: Parts): readonly string[] => {
  const app = tokens();
  app.follow(parts);
  for (const egress of ['legacy', 'second'])
    expect(app.read(egress, app.made(egress)), egress).toBe('accepted');
  return [app.read('second', app.made('legacy')), app.read('legacy', app.made('second'))];
};

const BOTH = ['accepted', 'accepted'];
const NONE = ['token_forged', 'token_forged'];

describe('a reply token that was made for one egress counts at another', () => {
  it.each<[string, Parts, readonly string[]]>([
    ['not where it leads elsewhere', {}, NONE],
    ['where it has the same servers and login', { at: { ...sites, ...SAME_SERVERS } }, BOTH],
    [
      'not where it has another login at the same servers',
      {
        at: { ...sites, ...SAME_SERVERS },
        change: (text) => text.replace(/(second:\n.*\n.*\n {4}user: )mcollective/, '$1other'),
      },
      NONE,
    ],
    [
      'where the configuration calls both one network',
      { change: (text) => named(named(text, 'legacy', 'one'), 'second', 'one') },
      BOTH,
    ],
    [
      'where it calls one by the name of the other',
      { change: (text) => named(text, 'second', 'legacy') },
      BOTH,
    ],
    [
      'not where it calls them different networks, even at the same servers',
      {
        at: { ...sites, ...SAME_SERVERS },
        change: (text) => named(named(text, 'legacy', 'a'), 'second', 'b'),
      },
      NONE,
    ],
  ])('%s', (_, parts, expected) => {
    expect(exchanged(parts)).toEqual(expected);
  });

  it('in any instance of the same configuration, and after a restart', () => {
    const [one, other] = [tokens(), tokens()];
    for (const app of [one, other]) app.follow();
    expect(other.read('second', one.made('second'))).toBe('accepted');
    expect(other.read('legacy', one.made('second'))).toBe('token_forged');
  });
});

describe('while replies to requests of a configuration before may come', () => {
  it.each<[string, Parts]>([
    ['other servers', { at: { ...sites, second: 'stomp://third:61613' } }],
    [
      'another login',
      { change: (text) => text.replace(/(second:\n.*\n.*\n {4}user: )mcollective/, '$1other') },
    ],
    ['a word for its network', { change: (text) => named(text, 'second', 'word') }],
  ])('an egress that gets %s takes them', (_, parts) => {
    const app = tokens();
    app.follow();
    const token = app.made('second');
    app.follow(parts);
    expect(app.read('second', token)).toBe('accepted');
    expect(app.read('legacy', token)).toBe('token_forged');
  });

  it('one that takes the place of another takes those of the other, and for no longer', () => {
    const app = tokens();
    app.follow({ at: { ...sites, ...SAME_SERVERS } });
    const token = app.made('second');
    app.follow({ second: false });
    app.follow({ second: false });
    expect(app.read('legacy', token)).toBe('accepted');
    // What is left of the one that is gone reads those of the other as well.
    expect(app.read('second', app.made('legacy'))).toBe('accepted');
    app.later(2 * configOf().config.maxTtl * 1000);
    expect(app.read('legacy', token)).toBe('token_forged');
  });
});

it('a reply token of the release before, which knew no networks, counts at each egress', () => {
  const app = tokens();
  app.follow();
  const token = encodeToken(home, undefined, { ...context, key: tokenKeys.tokenKey });
  expect([app.read('legacy', token), app.read('second', token)]).toEqual(BOTH);
});

test('an egress gets another name by a reload: what is in flight is answered, and what comes after it', async () => {
  const brokers = memoryBrokers();
  const world = await makeAppWorld({
    ...brokers,
    transports: {
      open: (spec, options) =>
        brokers.transports.open(spec.name === 'renamed' ? { ...spec, name: 'second' } : spec, options),
    },
  });
  const app = world.app(configOf());
  await app.start();
  const traffic = load(world, false);
  await some(traffic, 20);
  const { held, letGo } = world.hold();
  const pending = Array.from({ length: 6 }, () => world.ask('second', undefined, 1));
  await until('answers from before', () => held.length === pending.length);
  const change = (text: string): string =>
    text.replace('  second:\n', '  renamed:\n').replace('to: second', 'to: renamed');
  await app.apply(configOf({ change }));
  letGo();
  for (const answers of await Promise.all(pending)) expect(answers).toEqual(SECOND_NODES);
  // The old one still takes its share of the replies.
  for (let i = 0; i < 6; i++) expect(await world.ask('second', undefined, 1)).toEqual(SECOND_NODES);
  expect(await traffic.end()).toEqual([]);
  expect(app.status().counts.rejected).toEqual({});
  await app.stop();
  await world.end();
});
