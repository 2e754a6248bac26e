import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { load, problemsOf, settingsOf } from './sample.ts';

const TLS = '    tls: { ca: ca.pem, cert: cert.pem, key: key.pem }';
const base = (routes: string, ingresses = ''): string => `cluster_key: 0123456789abcdef0123456789abcdef
cluster: production
ingresses:
  federation:
    type: choria-federation
    servers: [nats://nats1.example.net:4222]
${TLS}
${ingresses}egresses:
  member:
    type: choria-collective
    servers: [nats://nats.member.example.net]
${TLS}
  legacy:
    type: mcollective-stomp
    servers: [stomp://activemq1.example.net:61613]
    signing: { keys_dir: keys }
    server_public_key: server.pem
routes:
${routes}`;
const PASSING = '  - { from: federation, to: member, collectives: [mcollective] }\n';
const ingress = (extra = ''): string => `  second:
    type: choria-federation
    servers: [nats://nats2.example.net:4222]
${TLS}
${extra}`;

describe('the configuration of a federation', () => {
  it('has a connection and limits for an egress that passes, and no identities', () => {
    const loaded = load(base(PASSING));
    const { config } = loaded;
    expect(settingsOf(loaded, 'member')).toMatchObject({
      type: 'choria-collective',
      servers: [{ url: 'nats://nats.member.example.net:4222' }],
      tls: { ca: '/etc/mcbridge/ca.pem', client: { cert: '/etc/mcbridge/cert.pem' } },
      buffer: { messages: 10_000, bytes: 64 * 1024 * 1024 },
    });
    expect(config.routes).toEqual([
      { from: 'federation', to: 'member', collectives: ['mcollective'], identities: [], verify: false },
    ]);
  });

  it.each<[statement: string, routes: string, ingresses: string, problems: readonly RegExp[]]>([
    [
      'demands a certificate to sign with where callers are mapped',
      '  - { from: federation, to: member, collectives: [a], identities: [{ exact: choria=a, to: cert=a }] }\n',
      '',
      [
        /^bridge.yaml:\d+:\d+: egresses\.member\.signing: is missing: requests from federation are signed anew/,
      ],
    ],
    [
      'demands identities where callers are mapped',
      '  - { from: federation, to: legacy, collectives: [a] }\n',
      '',
      [/routes\[0\]\.identities: is missing: without a rule nobody passes/],
    ],
    [
      'refuses verify where everything is verified',
      '  - { from: federation, to: legacy, collectives: [a], verify: true, identities: [{ exact: choria=a, to: cert=a }] }\n',
      '',
      [/routes\[0\]\.verify: has no effect: what is translated is always verified/],
    ],
    [
      'refuses two federations of one cluster to one member: replies could not be told apart',
      `${PASSING}  - { from: second, to: member, collectives: [mcollective] }\n`,
      ingress(),
      [
        /^bridge.yaml:\d+:\d+: routes\[1\]\.from: second and federation are the same cluster, so member could not tell/,
      ],
    ],
    [
      'knows that a cluster without a name has the default one',
      `${PASSING}  - { from: second, to: member, collectives: [mcollective] }\n`,
      ingress('    cluster: mcollective\n'),
      [/second and federation are the same cluster/],
    ],
    [
      'takes two federations of two clusters to one member, and two routes from one',
      `${PASSING}  - { from: second, to: member, collectives: [mcollective] }\n  - { from: federation, to: member, collectives: [strict], verify: true }\n`,
      ingress('    cluster: staging\n'),
      [],
    ],
  ])('%s', (statement, routes, ingresses, problems) => {
    const text = base(routes, ingresses);
    const found = problemsOf(
      statement.includes('default') ? text.replace('cluster: production\n', '') : text,
    );
    expect(found).toHaveLength(problems.length);
    for (const [index, problem] of problems.entries()) expect(found[index]).toMatch(problem);
  });

  describe.each(['1m', 30])('with discovery every %s', (every) => {
    const asking = (egress: string) =>
      base(PASSING).replace(egress, `discovery: { every: ${every} }\n    ${egress}`);

    it('demands a certificate to sign questions with', () => {
      expect(problemsOf(asking('servers: [nats://nats.member.example.net]'))).toEqual([
        'bridge.yaml:11:25: egresses.member.discovery.every: without signing member cannot ask who is there; allowed: 0, or more with signing',
      ]);
    });

    it('is content with one, and with a legacy collective, which always has a key', () => {
      const signing = 'signing: { cert: p.pem, key: p.key }';
      expect(
        problemsOf(
          asking('servers: [nats://nats.member').replace('    discovery', `    ${signing}\n    discovery`),
        ),
      ).toEqual([]);
      expect(problemsOf(asking('servers: [stomp://'))).toEqual([]);
    });
  });

  it.each(['{ every: 0 }', '{ every: 0s }', '{ expire: 2m }', '{}'])(
    'lets an egress that does not sign have discovery %s',
    (discovery) => {
      const text = base(PASSING).replace('    servers: [nats://nats.m', `    discovery: ${discovery}\n$&`);
      expect(text).toContain(`discovery: ${discovery}`);
      expect(problemsOf(text)).toEqual([]);
    },
  );

  it('that the documentation shows is valid', () => {
    const text = readFileSync(new URL('../../docs/federation.md', import.meta.url), 'utf8');
    const example = /```yaml\n(.+?)```/s.exec(text)?.[1] ?? '';
    const env = { MCBRIDGE_CLUSTER_KEY: 'x'.repeat(32), ACTIVEMQ_PASSWORD: 'secret' };
    expect(problemsOf(example, env)).toEqual([]);
    const { config } = load(example, env);
    expect(config.routes.map(({ to, verify }) => [to, verify])).toEqual([
      ['london', false],
      ['malta', true],
      ['legacy', false],
    ]);
  });
});
