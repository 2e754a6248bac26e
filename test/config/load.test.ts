import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BUILT_IN } from '../../src/adapters/registry.ts';
import { ConfigUnreadable } from '../../src/config/problem.ts';
import { Secret } from '../../src/config/secret.ts';
import { loadConfig } from '../../src/setup/load.ts';
import { load, MINIMAL, minimalWith, problemsOf, settingsOf } from './sample.ts';

describe('a minimal configuration', () => {
  const loaded = load(MINIMAL);
  const { config } = loaded;

  it('gets its defaults', () => {
    expect(config).toMatchObject({
      identity: hostname(),
      cluster: 'mcollective',
      instance: hostname(),
      maxTtl: 3600,
      maxTargets: 1000,
      maxMessageBytes: 4 * 1024 * 1024,
      drainTimeout: 10,
      log: { level: 'info', format: 'auto' },
    });
  });

  it('has an ingress as Choria would configure it', () => {
    expect(config.ingresses.get('federation')).toMatchObject({
      name: 'federation',
      type: 'choria-federation',
      opaque: 'choria',
      adapter: { name: 'federation', type: 'choria-federation' },
    });
    expect(settingsOf(loaded, 'federation')).toEqual({
      type: 'choria-federation',
      subscriptions: 1,
      cluster: 'mcollective',
      servers: [{ host: 'nats1.example.net', port: 4222, tls: false, url: 'nats://nats1.example.net:4222' }],
      tls: {
        ca: '/etc/mcbridge/ca.pem',
        client: { cert: '/etc/mcbridge/cert.pem', key: '/etc/mcbridge/key.pem' },
        handshakeFirst: false,
      },
      user: undefined,
      password: undefined,
      token: undefined,
      callers: {
        ca: '/etc/mcbridge/ca.pem',
        allow: [/\.mcollective$/, /\.choria$/],
        privileged: [/\.privileged\.mcollective$/, /\.privileged\.choria$/],
      },
      replyCollectives: [],
      buffer: { messages: 10_000, bytes: 64 * 1024 * 1024 },
    });
  });

  it('has an egress as MCollective would configure it', () => {
    expect(config.egresses.get('legacy')).toMatchObject({
      name: 'legacy',
      type: 'mcollective-stomp',
      nodes: [],
      discovery: {},
      adapter: { name: 'legacy', type: 'mcollective-stomp' },
    });
    expect(settingsOf(loaded, 'legacy')).toMatchObject({
      broker: 'activemq',
      vhost: 'mcollective',
      tls: { client: undefined, verify: true },
      versions: ['1.2', '1.1', '1.0'],
      heartbeat: 30,
      serializer: 'marshal',
      base64: false,
      agentsMultiplex: false,
      priority: 0,
      prefetch: 1000,
      signing: { kind: 'keys', folder: '/etc/mcbridge/keys' },
      serverPublicKeys: ['/etc/mcbridge/server.pem'],
      privileged: [],
    });
  });

  it('anchors the expressions of its identity rules at both ends', () => {
    const match = config.routes[0]?.identities[0]?.match;
    const matches = (caller: string) => match?.kind === 'regex' && match.pattern.test(caller);
    expect(matches('choria=rip.mcollective')).toBe(true);
    expect(matches('choria=rip.mcollective.evil')).toBe(false);
    expect(matches('xchoria=rip.mcollective')).toBe(false);
  });

  it('anchors an expression with alternatives as a whole', () => {
    const { config } = load(minimalWith('choria=(.+)\\.mcollective', 'choria=(a)|choria=(b)'));
    const match = config.routes[0]?.identities[0]?.match;
    expect(match?.kind === 'regex' && match.pattern.test('choria=a.evil')).toBe(false);
  });
});

describe('the configuration', () => {
  it('gives the cluster to every ingress that has none of its own', () => {
    const loaded = load(minimalWith('ingresses:', 'cluster: production\ningresses:'));
    expect(settingsOf(loaded, 'federation')).toMatchObject({ cluster: 'production' });
  });

  it.each([
    ['90', 90],
    ['90s', 90],
    ['10m', 600],
    ['2h', 7200],
  ])('understands the time %s', (text, seconds) => {
    expect(load(minimalWith('ingresses:', `max_ttl: ${text}\ningresses:`)).config.maxTtl).toBe(seconds);
  });

  it.each([
    ['65536', 65_536],
    ['70kB', 70_000],
    ['64KiB', 65_536],
    ['5MB', 5_000_000],
    ['8MiB', 8_388_608],
  ])('understands the size %s', (text, bytes) => {
    const { config } = load(minimalWith('ingresses:', `max_message_bytes: ${text}\ningresses:`));
    expect(config.maxMessageBytes).toBe(bytes);
  });

  it.each([
    ['4GiB', 4 * 1024 ** 3],
    ['4GB', 4_000_000_000],
    ['64KiB', 64 * 1024],
  ])('understands a buffer of %s, up to its largest', (text, bytes) => {
    const loaded = load(minimalWith('    signing:', `    buffer: { bytes: ${text} }\n    signing:`));
    expect(settingsOf(loaded, 'legacy')).toMatchObject({ buffer: { bytes } });
  });

  it.each([
    ['stomp://h', { host: 'h', port: 61_613, tls: false, url: 'stomp://h:61613' }],
    ['stomp+ssl://h', { host: 'h', port: 61_614, tls: true, url: 'stomp+ssl://h:61614' }],
    ['h:7000', { host: 'h', port: 7000, tls: false, url: 'stomp://h:7000' }],
    ['"stomp://[::1]:7000"', { host: '::1', port: 7000, tls: false, url: 'stomp://[::1]:7000' }],
  ])('understands the server %s', (text, server) => {
    const loaded = load(minimalWith('stomp://activemq1.example.net:61613', text));
    expect(settingsOf(loaded, 'legacy')).toMatchObject({ servers: [server] });
  });

  it('takes patterns with and without slashes', () => {
    const loaded = load(minimalWith('    tls: {', '    callers: { allow: [/^a$/, ^b$] }\n    tls: {'));
    expect(settingsOf(loaded, 'federation')).toMatchObject({ callers: { allow: [/^a$/, /^b$/] } });
  });

  it('takes one shared identity in place of a folder of keys', () => {
    const loaded = load(
      minimalWith('{ keys_dir: keys }', '{ callerid: cert=mcbridge, private_key: /k.pem }'),
    );
    const shared = { kind: 'shared', callerid: 'cert=mcbridge', privateKey: '/k.pem' };
    expect(settingsOf(loaded, 'legacy')).toMatchObject({ signing: shared });
  });

  it('needs no client certificate where the brokers take a token', () => {
    const text = minimalWith(', cert: cert.pem, key: key.pem }', ' }\n    token: t0ken');
    expect(settingsOf(load(text), 'federation')).toMatchObject({ tls: { client: undefined } });
  });

  it('takes aliases for what is there twice', () => {
    const text = minimalWith('[mcollective]', '*list').replace(
      '    tls:',
      '    reply_collectives: &list [uk]\n    tls:',
    );
    expect(load(text).config.routes[0]?.collectives).toEqual(['uk']);
  });

  it('tells all its problems at once, in the order of the file', () => {
    const text = minimalWith('ingresses:', 'clutser: a\nmax_ttl: never\ningresses:')
      .replace(', key: key.pem', '')
      .replace('servers: [nats:', 'servers: [http:')
      .replace('server.pem', `\${NOPE}`)
      .replace('to: legacy', 'to: nowhere')
      .replace('cert=$1', 'cert=$7');
    expect(problemsOf(text).map((problem) => problem.split(': ').slice(0, 2).join(' '))).toEqual([
      'bridge.yaml:2:1 clutser',
      'bridge.yaml:3:10 max_ttl',
      'bridge.yaml:7:15 ingresses.federation.servers[0]',
      'bridge.yaml:8:10 ingresses.federation.tls',
      'bridge.yaml:14:24 egresses.legacy.server_public_key',
      'bridge.yaml:17:9 routes[0].to',
      'bridge.yaml:21:13 routes[0].identities[0].to',
    ]);
  });

  it('knows where a key stands', () => {
    const { at } = load(MINIMAL);
    expect(at(['ingresses', 'federation', 'tls', 'key'])).toEqual({ line: 6, column: 45 });
    expect(at(['routes', 0, 'identities', 0, 'to'])).toEqual({ line: 19, column: 13 });
  });

  it('places a key that is not there at the section that it would be in', () => {
    expect(load(MINIMAL).at(['egresses', 'legacy', 'tls', 'ca'])).toEqual({ line: 8, column: 3 });
  });

  it('never shows a secret, however it is printed', () => {
    const loaded = load(
      minimalWith('    tls: {', '    user: bob\n    password: hunter2\n    tls: {').replace(
        '0123456789abcdef0123456789abcdef',
        'hunter2hunter2hunter2hunter2hunter2',
      ),
    );
    const { password } = z.object({ password: z.instanceof(Secret) }).parse(settingsOf(loaded, 'federation'));
    const { config } = loaded;
    const everything = { config, ingress: config.ingresses.get('federation') };
    expect(password.reveal()).toBe('hunter2');
    expect(inspect(everything, { depth: 10, showHidden: true })).not.toContain('hunter2');
    expect(JSON.stringify(everything)).not.toContain('hunter2');
    expect(`${password}`).toBe('[secret]');
  });
});

describe('a secret in the wrong place', () => {
  it.each([
    ['password: 12345678', '12345678'],
    ['password: [hunter2]', 'hunter2'],
    ['password: { is: hunter2 }', 'hunter2'],
    ['token: 12345678', '12345678'],
    ['passwrod: hunter2', 'hunter2'],
    ['password: "hunter2', 'hunter2'],
    ['password: |hunter2', 'hunter2'],
    ['password: !hunter2', 'hunter2'],
    ['password: *hunter2', 'hunter2'],
    ['password: %hunter2', 'hunter2'],
    ['password: @hunter2', 'hunter2'],
    ['password: a: hunter2', 'hunter2'],
    ['password: "a" hunter2', 'hunter2'],
    ['password: "\\hunter2"', 'hunter2'],
    [`password: \${hunter2`, '{hunter2'],
    [`reply_collectives: [\${SECRET}]`, 'hunter2'],
    ['cluster: nats://u:hun/ter2@h', 'ter2'],
    ['cluster: u:hunter2@h:61613', 'hunter2'],
    [`cluster: \${SECRET}`, 'hunter2'],
  ])('is an error, and not shown: %s', (line, value) => {
    const problems = problemsOf(minimalWith('    tls: {', `    ${line}\n    tls: {`), {
      SECRET: 'a b hunter2',
    });
    expect(problems).not.toEqual([]);
    expect(problems.join('\n')).not.toContain(value);
  });
});

describe('the configuration file', () => {
  it.each([
    ['is not there', undefined, 'there is no such file'],
    ['is not text', Buffer.from([0xff, 0xfe, 0x00]), 'it is not UTF-8 text'],
  ])('that %s cannot be read', (_, content, reason) => {
    const folder = mkdtempSync(join(tmpdir(), 'mcbridge-config-'));
    const file = join(folder, 'bridge.yaml');
    try {
      if (content !== undefined) writeFileSync(file, content);
      expect(() => loadConfig(file, {}, BUILT_IN)).toThrow(
        new ConfigUnreadable(file, reason), // compares the message
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
