import { describe, expect, it } from 'vitest';
import {
  type McollectiveStompIngressConfig,
  mcollectiveStompIngress,
} from '../../src/adapters/mcollective/ingress-config.ts';
import { stompOptions } from '../../src/adapters/mcollective/link-options.ts';

const context = {
  hostname: 'bridge.example.net',
  cluster: 'mcollective',
  hasClaims: false,
  resolve: (path: string) => `/etc/mcbridge/${path}`,
};
const schema = mcollectiveStompIngress(context);
const MINIMAL = {
  type: 'mcollective-stomp',
  servers: ['stomp://activemq1.example.net'],
  callers: { keys_dir: 'clients' },
  server_private_key: 'server-private.pem',
};
const parse = (changes: object = {}): McollectiveStompIngressConfig =>
  schema.parse({ ...MINIMAL, ...changes });
/** The keys that are complained of. */
const wrong = (changes: object): readonly string[] =>
  schema.safeParse({ ...MINIMAL, ...changes }).error?.issues.map(({ path }) => path.join('.')) ?? [];

describe('an ingress mcollective-stomp', () => {
  it('needs no more than servers, callers and the key that signs replies', () => {
    expect(parse()).toEqual({
      type: 'mcollective-stomp',
      broker: 'activemq',
      servers: [
        {
          host: 'activemq1.example.net',
          port: 61_613,
          tls: false,
          url: 'stomp://activemq1.example.net:61613',
        },
      ],
      user: undefined,
      password: undefined,
      vhost: 'mcollective',
      tls: { ca: undefined, client: undefined, verify: true },
      versions: ['1.2', '1.1', '1.0'],
      heartbeat: 30,
      serializer: 'marshal',
      base64: false,
      agentsMultiplex: false,
      priority: 0,
      prefetch: 1000,
      buffer: { messages: 10_000, bytes: 64 * 1024 ** 2 },
      callers: { keysDir: '/etc/mcbridge/clients', enforceTtl: true, maxAhead: 86_400, replyTo: [] },
      serverPrivateKey: '/etc/mcbridge/server-private.pem',
      share: 'single',
      broadcastQueue: undefined,
      localEgress: undefined,
    });
  });

  it('takes clocks that are fast by a day; where broadcasts are claimed by a minute, unless it says more', () => {
    const claiming = mcollectiveStompIngress({ ...context, hasClaims: true });
    const aheadOf = (changes: object) => claiming.parse({ ...MINIMAL, ...changes }).callers.maxAhead;
    expect(parse().callers.maxAhead).toBe(86_400);
    expect(aheadOf({})).toBe(60);
    expect(aheadOf({ share: 'single' })).toBe(86_400);
    expect(aheadOf({ callers: { keys_dir: 'c', max_ahead: '2h' } })).toBe(7_200);
  });

  it('may have a queue of broadcasts, a local egress, and callers whose ttl is not enforced', () => {
    expect(
      parse({
        broadcast_queue: '/queue/mcbridge.{collective}.requests',
        local_egress: 'legacy',
        callers: { keys_dir: 'c', enforce_ttl: false },
      }),
    ).toMatchObject({
      share: 'queue',
      broadcastQueue: '/queue/mcbridge.{collective}.requests',
      localEgress: 'legacy',
      callers: { enforceTtl: false },
    });
  });

  it.each([
    '/queue/mcbridge.requests',
    '/topic/{collective}.requests',
    '/queue/{collective}.*',
    '/queue/{collective},/queue/other',
    '/queue/{collective}?consumer.exclusive=true',
    '{collective}',
  ])('has no queue of broadcasts like %s', (broadcast_queue) => {
    expect(wrong({ broadcast_queue })).toEqual(['broadcast_queue']);
  });

  it('is refused without what it needs, or with what only an egress has', () => {
    expect(wrong({ callers: undefined, server_private_key: undefined })).toEqual([
      'callers',
      'server_private_key',
    ]);
    expect(wrong({ callers: {} })).toEqual(['callers.keys_dir']);
    expect(wrong({ direct_limit: 200 })).toHaveLength(1);
  });

  it('has its connection checked like an egress’s', () => {
    expect(wrong({ user: 'u' })).toEqual(['user']);
    expect(wrong({ tls: { cert: 'c' }, servers: ['stomp+ssl://a'] })).toEqual(['tls']);
    expect(wrong({ tls: {} })).toEqual(['tls']);
  });

  it('has its files named as those of an ingress where they cannot be read', () => {
    const tls = { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' };
    const side = { name: 'mco', ...parse({ servers: ['stomp+ssl://a'], tls }) };
    const paths: string[] = [];
    stompOptions(side, ['ingresses', 'mco'], { maxMessageBytes: 1 }, (_, path) => {
      paths.push(path.join('.'));
      return Buffer.alloc(0);
    });
    expect(paths).toEqual(['ingresses.mco.tls.ca', 'ingresses.mco.tls.cert', 'ingresses.mco.tls.key']);
  });
});
