import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fileReader } from '../../src/config/files.ts';
import { readClusterKey } from '../../src/setup/cluster-key.ts';
import type { LoadedConfig } from '../../src/setup/types.ts';
import { type NatsSettings, natsSettingsOf } from '../../src/transport/nats/spec.ts';
import { load, MINIMAL, minimalWith } from './sample.ts';

/** In place of files: what is read is its own name. */
const names = (file: string): Buffer => Buffer.from(`<${file}>`);

const nats = ({ config }: LoadedConfig): NatsSettings | undefined => {
  const around = { ...config, identity: 'mcbridge1' };
  const spec = config.ingresses.get('federation')?.adapter.link(around, names);
  return spec && natsSettingsOf(spec);
};

const stomp = ({ config }: LoadedConfig) =>
  z
    .record(z.string(), z.unknown())
    .parse(config.egresses.get('legacy')?.adapter.link(config, names).settings);

describe('the options of a NATS link', () => {
  it('hold the contents of the files, and ask for TLS where Choria writes nats://', () => {
    expect(nats(load(MINIMAL))).toEqual({
      servers: ['tls://nats1.example.net:4222'],
      name: 'mcbridge1',
      tls: {
        ca: '</etc/mcbridge/ca.pem>',
        cert: '</etc/mcbridge/cert.pem>',
        key: '</etc/mcbridge/key.pem>',
        verify: true,
      },
      buffer: { maxMessages: 10_000, maxBytes: 64 * 1024 * 1024 },
    });
  });

  it.each([
    ['nkey', { nkeySeed: '</etc/mcbridge/login>' }],
    ['credentials', { credentials: '</etc/mcbridge/login>' }],
  ])('hold the content of the file that %s names', (key, login) => {
    const text = minimalWith(
      'tls: { ca: ca.pem, cert: cert.pem, key: key.pem }',
      `tls: { ca: ca.pem }\n    callers: { ca: ca.pem }\n    ${key}: login`,
    );
    const options = nats(load(text));
    expect(options).toMatchObject(login);
    expect(options?.tls).toEqual({ ca: '</etc/mcbridge/ca.pem>', verify: true });
  });

  it.each([
    ['user: u\n    password_file: login', { user: 'u', password: '</etc/mcbridge/login>' }],
    ['token_file: login', { token: '</etc/mcbridge/login>' }],
  ])('hold the password or token of a file: %s', (keys, login) => {
    const text = minimalWith(
      'tls: { ca: ca.pem, cert: cert.pem, key: key.pem }',
      `tls: { ca: ca.pem }\n    callers: { ca: ca.pem }\n    ${keys}`,
    );
    expect(nats(load(text))).toMatchObject(login);
  });

  it('leave wss:// as it is, and say where the TLS handshake comes first', () => {
    expect(
      nats(load(minimalWith('nats://nats1.example.net:4222', 'wss://nats1.example.net')))?.servers,
    ).toEqual(['wss://nats1.example.net:443']);
    const text = minimalWith('tls: { ca: ca.pem,', 'tls: { handshake_first: true, ca: ca.pem,');
    expect(nats(load(text))?.tls).toMatchObject({ handshakeFirst: true });
  });

  it('have neither TLS nor its scheme where plain text is asked for', () => {
    const text = minimalWith(
      'tls: { ca: ca.pem, cert: cert.pem, key: key.pem }',
      'insecure_plaintext: true\n    callers: { ca: ca.pem }\n    user: u\n    password: p',
    );
    const options = nats(load(text));
    expect(options).toMatchObject({ servers: ['nats://nats1.example.net:4222'], user: 'u', password: 'p' });
    expect(options).not.toHaveProperty('tls');
  });
});

describe('the options of a STOMP link', () => {
  it('hold the password of a file, without the line end', () => {
    const { config } = load(
      minimalWith('    signing:', '    user: bob\n    password_file: stomp.password\n    signing:'),
    );
    const read = (file: string): Buffer => Buffer.from(file.endsWith('stomp.password') ? 'of bob\n' : file);
    expect(config.egresses.get('legacy')?.adapter.link(config, read).settings).toMatchObject({
      login: 'bob',
      passcode: 'of bob',
    });
  });

  it('hold what the configuration says, in the units of the link', () => {
    const text = minimalWith(
      '    signing:',
      '    user: u\n    password: p\n    heartbeat: 1m\n    buffer: { messages: 5 }\n    signing:',
    );
    expect(stomp(load(text))).toEqual({
      servers: [{ host: 'activemq1.example.net', port: 61_613 }],
      login: 'u',
      passcode: 'p',
      vhost: 'mcollective',
      versions: ['1.2', '1.1', '1.0'],
      heartbeat: { outgoing: 60_000, incoming: 60_000 },
      prefetch: 1000,
      buffer: { maxMessages: 5, maxBytes: 64 * 1024 * 1024 },
      maxFrameBytes: 16 * 1024 * 1024,
    });
  });

  it('use TLS for the servers that ask for it, also without a section about it', () => {
    const text = minimalWith('[stomp://activemq1.example.net:61613]', '[stomp+ssl://a, stomp://b]');
    expect(stomp(load(text))['servers']).toEqual([
      { host: 'a', port: 61_614, tls: { verify: true } },
      { host: 'b', port: 61_613 },
    ]);
  });

  it('hold the contents of the files', () => {
    const text = minimalWith('stomp://activemq1', 'stomp+ssl://activemq1').replace(
      '    signing:',
      '    tls: { ca: a, cert: b, key: c, verify: false }\n    signing:',
    );
    const tls = {
      ca: '</etc/mcbridge/a>',
      cert: '</etc/mcbridge/b>',
      key: '</etc/mcbridge/c>',
      verify: false,
    };
    expect(stomp(load(text))['servers']).toMatchObject([{ tls }]);
  });

  it('let frames be longer than the longest message', () => {
    const text = minimalWith('ingresses:', 'max_message_bytes: 32MiB\ningresses:');
    expect(stomp(load(text))['maxFrameBytes']).toBe(64 * 1024 * 1024);
  });
});

describe('the cluster key', () => {
  const file = minimalWith('cluster_key: 0123456789abcdef0123456789abcdef', 'cluster_key_file: cluster.key');

  it.each(['', '\n', '\r\n'])('is the same given and in a file that ends in %j', (end) => {
    const key = '0123456789abcdef0123456789abcdef';
    expect(readClusterKey(load(MINIMAL)).toString()).toBe(key);
    expect(readClusterKey(load(file), () => Buffer.from(key + end)).toString()).toBe(key);
  });

  it('is refused when its file is too short', () => {
    expect(() => readClusterKey(load(file), () => Buffer.from('short'))).toThrow(
      '/etc/mcbridge/bridge.yaml:1:19: cluster_key_file: /etc/mcbridge/cluster.key holds 5 bytes',
    );
  });
});

describe('a file that a configuration names', () => {
  it('is missed at the line of its key', () => {
    const read = fileReader(load(MINIMAL));
    const path = ['ingresses', 'federation', 'tls', 'ca'];
    expect(() => read('/no/such/file', path)).toThrow(
      '/etc/mcbridge/bridge.yaml:6:16: ingresses.federation.tls.ca: /no/such/file cannot be read: there is no such file',
    );
  });
});
