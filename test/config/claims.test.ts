import { describe, expect, it } from 'vitest';
import { legacyToChoria, load, problemsOf, settingsOf } from './sample.ts';

const OWN = 'claims: { servers: [nats://claims.example.net], insecure_plaintext: true }\n';
const QUEUE = 'broadcast_queue: "/queue/mcbridge.{collective}.requests"';

const shareOf = (text: string): unknown => {
  const it = settingsOf(load(text), 'mco');
  return it !== undefined && 'share' in it ? it.share : undefined;
};

describe('how an ingress shares broadcasts', () => {
  it.each([
    ['claims, where there is a section claims', legacyToChoria([], OWN), 'claims'],
    ['the queue, where there is one', legacyToChoria([QUEUE]), 'queue'],
    ['not at all, where there is neither', legacyToChoria(), 'single'],
    ['as it says, claims or not', legacyToChoria(['share: single'], OWN), 'single'],
    ['as it says, by its queue', legacyToChoria(['share: queue', QUEUE], OWN), 'queue'],
  ])('is %s', (_, text, share) => {
    expect(shareOf(text)).toBe(share);
  });

  it.each([
    [
      'claims without a place for them',
      legacyToChoria(['share: claims']),
      /share: claims have no place to be made: add the section claims/,
    ],
    [
      'a queue that is not there',
      legacyToChoria(['share: queue']),
      /share: there is no queue to share: give broadcast_queue/,
    ],
    [
      'a queue with claims',
      legacyToChoria([QUEUE], OWN),
      /broadcast_queue: has no effect with share: claims, which is so where there is a section claims; leave it out, or say share: queue/,
    ],
    [
      'a queue that is not used',
      legacyToChoria([QUEUE, 'share: single']),
      /broadcast_queue: has no effect with share: single/,
    ],
    [
      'what is no way to share',
      legacyToChoria(['share: both']),
      /share: "both" is not allowed; allowed: "claims", "queue", "single"/,
    ],
  ])('is refused for %s', (_, text, problem) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  it('has nothing to do with statistics, which may be off', () => {
    expect(problemsOf(legacyToChoria([], 'statistics: { interval: 0 }\n'))).toEqual([]);
  });
});

describe('the section claims', () => {
  it('has servers and a login of its own', () => {
    const top = `claims:
  servers: [nats://one.example.net, nats://two.example.net:4333]
  tls: { ca: claims.pem }
  user: bridge
  password: secret
  max_bytes: 64MiB
  replicas: 3
`;
    const { claims } = load(legacyToChoria([], top)).config;
    expect(claims).toMatchObject({ maxBytes: 64 * 1024 ** 2, replicas: 3 });
    expect(claims?.at).toMatchObject({
      kind: 'own',
      connection: {
        servers: [{ url: 'nats://one.example.net:4222' }, { url: 'nats://two.example.net:4333' }],
        tls: { ca: '/etc/mcbridge/claims.pem' },
        user: 'bridge',
      },
    });
  });

  it('or names the ingress or egress whose own it uses', () => {
    expect(load(legacyToChoria([], 'claims: { link: choria }\n')).config.claims).toEqual({
      at: { kind: 'link', name: 'choria' },
      maxBytes: 128 * 1024 ** 2,
      replicas: 1,
    });
  });

  it.each([
    ['nothing', '{ insecure_plaintext: true }', /claims.servers: is missing: give servers, or link/],
    [
      'no login',
      '{ servers: [nats://a], tls: { ca: a.pem } }',
      /claims.tls: .* give cert and key here, or user and password, token, nkey or credentials/,
    ],
    ['neither TLS nor the wish to do without', '{ servers: [nats://a] }', /claims.tls: is missing/],
    ['both', '{ link: choria, servers: [nats://a] }', /claims.servers: contradicts link/],
    [
      'a link that is not there',
      '{ link: chorai }',
      /claims.link: there is no ingress or egress "chorai"; did you mean "choria"\?/,
    ],
    ['a link to another kind of broker', '{ link: mco }', /claims.link: mco is not on NATS/],
    [
      'servers by wss://',
      '{ servers: [wss://a], tls: { ca: a.pem }, token: t }',
      /claims.servers\[0\]: is for links: claims go by nats:\/\/ or tls:\/\//,
    ],
    ['too many replicas', '{ link: choria, replicas: 7 }', /claims.replicas: 7 is not allowed/],
  ])('is refused with %s', (_, claims, problem) => {
    const problems = problemsOf(legacyToChoria([], `claims: ${claims}\n`));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  it('is refused with a link by wss://', () => {
    const text = legacyToChoria([], 'claims: { link: choria }\n').replace('nats://nats1', 'wss://nats1');
    expect(problemsOf(text)).toEqual([
      expect.stringContaining('claims.link: choria goes by wss://, and claims do not'),
    ]);
  });
});
