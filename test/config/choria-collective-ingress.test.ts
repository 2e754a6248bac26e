import { describe, expect, it } from 'vitest';
import { choriaCollectiveIngress } from '../../src/adapters/choria/collective-ingress-config.ts';
import { DEFAULT_ALLOW, DEFAULT_PRIVILEGED } from '../../src/adapters/choria/wire/index.ts';
import { natsOptions } from '../../src/adapters/kit/nats/link-options.ts';

const schema = choriaCollectiveIngress({
  hostname: 'h',
  cluster: 'production',
  hasClaims: false,
  resolve: (path) => `/etc/${path}`,
});
const MINIMAL = {
  type: 'choria-collective',
  servers: ['nats://nats1.example.net:4222'],
  tls: { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' },
};
const problems = (value: unknown): readonly string[] =>
  schema.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

describe('the configuration of an ingress choria-collective', () => {
  it('takes the connection’s CA for callers, and Choria’s own lists, by default', () => {
    expect(schema.parse(MINIMAL)).toMatchObject({
      type: 'choria-collective',
      callers: { ca: '/etc/ca.pem', allow: DEFAULT_ALLOW, privileged: DEFAULT_PRIVILEGED },
      localEgress: undefined,
    });
  });

  it('knows its local egress, and other callers', () => {
    const it = schema.parse({ ...MINIMAL, local_egress: 'nodes', callers: { ca: 'callers.pem' } });
    expect(it).toMatchObject({ localEgress: 'nodes', callers: { ca: '/etc/callers.pem' } });
  });

  it('has callers to verify, and a connection that can be', () => {
    const { tls: _, ...plain } = MINIMAL;
    expect(problems(plain)).toEqual([expect.stringContaining('tls: is missing')]);
    expect(problems({ ...plain, insecure_plaintext: true })).toEqual([
      'callers: ca is missing: without tls there is no CA to verify callers with',
    ]);
    expect(problems({ ...plain, insecure_plaintext: true, callers: { ca: 'x' } })).toEqual([]);
    expect(problems({ ...MINIMAL, local_egress: 'a b' })).toEqual(['local_egress: is not allowed']);
    expect(problems({ ...MINIMAL, reply_collectives: ['x'] })).toHaveLength(1);
  });

  it('has its files named as an ingress’s where they cannot be read', () => {
    const paths: string[] = [];
    natsOptions(schema.parse(MINIMAL), ['ingresses', 'clients'], { identity: 'bridge' }, (file, path) => {
      paths.push(path.join('.'));
      return Buffer.from(file);
    });
    expect(paths).toEqual([
      'ingresses.clients.tls.ca',
      'ingresses.clients.tls.cert',
      'ingresses.clients.tls.key',
    ]);
  });
});
