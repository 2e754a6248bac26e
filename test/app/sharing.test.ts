import { expect, test } from 'vitest';
import { checkWorkers, claimsBucket, claimsConnection, lonePlaces, sharedBy } from '../../src/app/sharing.ts';
import { CLAIMS_MAX_AHEAD_SECONDS } from '../../src/config/share.ts';
import { checkAge } from '../../src/envelope/time.ts';
import type { Config, LoadedConfig } from '../../src/setup/types.ts';
import { meterLink } from '../../src/telemetry/meter.ts';
import { MemoryBroker, STOMP_RULES } from '../../src/transport/memory/broker.ts';
import { stompSpec } from '../../src/transport/stomp/spec.ts';
import { legacyToChoria, load, refusalOf } from '../config/sample.ts';

const CLAIMS = 'claims: { link: choria }\n';
const read = (): Buffer => Buffer.from('pem');

const configured = (top = '', ingress: readonly string[] = [], maxTtl = '1h'): LoadedConfig =>
  load(legacyToChoria(ingress, `max_ttl: ${maxTtl}\n${top}`));

test('an ingress that shares nothing is refused with several workers, and only then', () => {
  expect(refusalOf(() => checkWorkers(configured(), 1))).toEqual([]);
  expect(refusalOf(() => checkWorkers(configured(CLAIMS), 4))).toEqual([]);
  expect(refusalOf(() => checkWorkers(configured(), 4))).toEqual([
    expect.stringMatching(
      /ingresses\.mco\.share: single is for one process, and 4 workers would each handle every broadcast: say claims or queue/,
    ),
  ]);
  const said = configured('', ['share: single']);
  expect(refusalOf(() => checkWorkers(said, 2))).toEqual([
    expect.stringContaining(':9:12: ingresses.mco.share:'),
  ]);
});

test('claims by a link have its servers and its TLS, and a bucket that outlives max_ttl by two minutes', () => {
  const loaded = configured(CLAIMS, [], '10m');
  const { config } = loaded;
  expect(sharedBy('claims', config)).toEqual(['mco']);
  expect(claimsConnection(loaded, read)).toMatchObject({
    servers: ['tls://nats1.example.net:4222'],
    tls: { ca: 'pem', cert: 'pem', key: 'pem', verify: true },
  });
  expect(claimsBucket(config)).toMatchObject({ cluster: 'mcollective', maxAge: 720_000 });
});

/** With a `max_ahead` of the ingress; undefined: its default. */
const withAhead = (ahead: string | undefined): LoadedConfig => {
  const callers = ahead === undefined ? '' : `, max_ahead: ${ahead}`;
  const text = legacyToChoria([], `max_ttl: 10m\n${CLAIMS}`);
  return load(text.replace('keys_dir: clients', (it) => it + callers));
};

test.each([undefined, '0', '24h'])('a claim outlives every copy of its frame: max_ahead %s', (ahead) => {
  const { config } = withAhead(ahead);
  const [ingress] = config.ingresses.values();
  const maxAge = claimsBucket(config)?.maxAge;
  const share = ingress?.adapter.share;
  if (share === undefined || maxAge === undefined) throw new Error('nothing is claimed');
  const { maxTtl } = config;
  const { maxAhead } = share;
  const now = Date.UTC(2026, 0, 1);
  // The latest that is taken and claimed now, of which a copy may come once an instance has started anew.
  const latest = now / 1000 + maxAhead;
  const takenAt = (time: number, clock: number) => () => checkAge(time, maxTtl, clock, { maxTtl, maxAhead });
  expect(takenAt(latest, now)).not.toThrow();
  expect(takenAt(latest + 1, now)).toThrow("ahead of this bridge's clock");
  // The other instance's clock may be behind.
  const behind = 45_000;
  expect(takenAt(latest, now + maxAge - behind)).toThrow("behind this bridge's clock");
});

test('the default of max_ahead leaves claims with max_ttl and two minutes; a longer one makes all be kept longer', () => {
  expect(CLAIMS_MAX_AHEAD_SECONDS).toBe(60);
  expect(claimsBucket(withAhead(undefined).config)?.maxAge).toBe(720_000);
  expect(claimsBucket(withAhead('24h').config)?.maxAge).toBe(660_000 + 86_400_000);
});

/** The sample with another adapter in one of its entries, as further packages bring them. */
const withAdapter = <T extends 'ingresses' | 'egresses'>(
  { config }: LoadedConfig,
  side: T,
  change: object,
): Config => ({
  ...config,
  [side]: new Map(
    [...config[side]].map(([name, it]) => [name, { ...it, adapter: { ...it.adapter, ...change } }]),
  ),
});

test('instances that are to be alone hear of each other where the protocol of the ingress says, if it does', () => {
  const broker = new MemoryBroker(STOMP_RULES);
  const link = meterLink(broker.link(), { name: 'mco', side: 'federation', clusters: [], clock: Date.now });
  const destinationsOf = (config: Config): readonly string[] =>
    lonePlaces([link], config).map(({ destination }) => destination);
  const loaded = configured();
  expect(destinationsOf(loaded.config)).toEqual(['/topic/mcollective.registration.agent']);
  const share = { how: 'single', maxAhead: 0 };
  const helloAt = (collective: string): string => `hello/${collective}`;
  expect(destinationsOf(withAdapter(loaded, 'ingresses', { share: { ...share, helloAt } }))).toEqual([
    'hello/mcollective',
  ]);
  expect(destinationsOf(withAdapter(loaded, 'ingresses', { share }))).toEqual([]);
});

test('claims by a link that only says that it is on NATS are an error, and not none', () => {
  const loaded = configured(CLAIMS);
  const other = withAdapter(loaded, 'egresses', {
    link: () => stompSpec({ name: 'choria', side: 'egress' }, { servers: [], vhost: 'h' }, []),
  });
  expect(refusalOf(() => claimsConnection({ ...loaded, config: other }, read))).toEqual([
    expect.stringContaining(
      'claims.link: the link of choria is not made by natsSpec, and claims need that; allowed: a link that is',
    ),
  ]);
});
