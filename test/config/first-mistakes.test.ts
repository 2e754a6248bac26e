import { describe, expect, it } from 'vitest';
import { counterpartOf } from '../../src/config/counterparts.ts';
import { type Case, load, MINIMAL, minimalWith, problemsOf, settingsOf } from './sample.ts';

const PASSWORD = '    signing: { keys_dir: keys }';
const at = 'bridge.yaml:11:';

const CASES: readonly Case[] = [
  [
    'a variable without braces, the whole value',
    PASSWORD,
    `    user: u\n    password: $SECRET\n${PASSWORD}`,
    [
      'bridge.yaml:12:15: egresses.legacy.password: a variable is written $' +
        '{SECRET} here, in braces, and $$SECRET for this very text',
    ],
  ],
  [
    'a variable without braces, within a value',
    'stomp://activemq1.example.net:61613',
    'stomp://$BROKER:61613',
    ['bridge.yaml:10:15: egresses.legacy.servers[0]: a variable is written $' + '{BROKER} here, in braces'],
  ],
  [
    'a command in place of a value',
    PASSWORD,
    `    user: u\n    password: $(cat secret)\n${PASSWORD}`,
    [
      'bridge.yaml:12:15: egresses.legacy.password: $(…) runs no command here; put its output into a variable, and write $' +
        '{NAME}',
    ],
  ],
  [
    'the same name for an ingress and an egress',
    'egresses:\n  legacy:',
    'egresses:\n  federation:',
    [
      'bridge.yaml:9:5: egresses.federation: an ingress is called "federation" too; give one of them another name',
      'bridge.yaml:15:9: routes[0].to: there is no egress "legacy"; allowed: federation',
    ],
  ],
];

describe('what people write at first is told with what to write:', () => {
  it.each(CASES)('%s', (_, passage, by, problems) => {
    expect(problemsOf(minimalWith(passage, by))).toEqual(problems);
  });

  it.each([
    ['username', 'here it is user'],
    ['passcode', 'here it is password'],
    ['host', 'here it is servers, a list such as [stomp://activemq.example.net:61613]'],
    ['plugin.activemq.pool.1.user', 'here it is user of an ingress or egress of type mcollective-stomp'],
    [
      'plugin.activemq.pool.2.ssl.cert',
      'here it is tls.cert of an ingress or egress of type mcollective-stomp',
    ],
    [
      'plugin.psk',
      'this setting of MCollective or Choria is not there: the SSL plugin is the only security plugin of MCollective that the bridge speaks',
    ],
    [
      'direct_addressing',
      'this setting of MCollective or Choria is not needed: named nodes are always asked directly',
    ],
  ])('the key %s', (key, hint) => {
    const [problem = '', ...more] = problemsOf(minimalWith(PASSWORD, `    ${key}: x\n${PASSWORD}`));
    expect(more).toEqual([]);
    expect(problem).toContain(`${at}5: egresses.legacy.${key}: unknown key; ${hint}; allowed: `);
  });

  it.each(['', '\n\n', '# nothing yet\n', '---\n', '---\n# nothing\n...\n'])(
    'a file that holds %j',
    (text) => {
      expect(problemsOf(text)).toEqual([
        'bridge.yaml:1:1: the file holds no setting; docs/bridge.example.yaml has all of them',
      ]);
    },
  );

  it('a file of MCollective', () => {
    expect(problemsOf('connector = activemq\nplugin.activemq.pool.size = 1\n')).toEqual([
      'bridge.yaml:1:1: the file has lines of the form "key = value", as MCollective\'s have; bridge.yaml is YAML: "key: value", see docs/bridge.example.yaml',
    ]);
  });

  it('a list, or a text', () => {
    const problem = [
      'bridge.yaml:1:1: the file holds no sections with keys; docs/bridge.example.yaml shows what it takes',
    ];
    expect(problemsOf('- a\n- b\n')).toEqual(problem);
    expect(problemsOf('hello\n')).toEqual(problem);
  });

  it('a tab, once, also where the parser loses its way', () => {
    expect(problemsOf(MINIMAL.replace('    type: choria', '\ttype: choria'))).toEqual([
      'bridge.yaml:4:1: not valid YAML: a tab stands where lines are indented; YAML takes spaces only',
    ]);
  });

  it('a bracket that is not closed, once', () => {
    expect(
      problemsOf(MINIMAL.replace('cert: cert.pem, key: key.pem }', 'cert: cert.pem, key: key.pem')),
    ).toHaveLength(1);
  });
});

describe('a merge (<<)', () => {
  const merged = (lines: string): string =>
    MINIMAL.replace(
      /egresses:[\s\S]*routes:/,
      `egresses:\n  base: &base\n    type: mcollective-stomp\n    servers: [stomp://a:1]\n    signing: { keys_dir: keys }\n    server_public_key: server.pem\n  legacy:\n${lines}routes:`,
    );

  it('brings the keys of another section, and the own ones count more', () => {
    const loaded = load(merged('    <<: *base\n    servers: [stomp://b:2]\n'));
    expect(settingsOf(loaded, 'legacy')).toMatchObject({
      servers: [{ host: 'b', port: 2 }],
      signing: { kind: 'keys' },
    });
  });

  it('takes a list, of which the first counts most', () => {
    const loaded = load(merged('    <<: [{ heartbeat: 7 }, *base, { heartbeat: 8, priority: 3 }]\n'));
    expect(settingsOf(loaded, 'legacy')).toMatchObject({ heartbeat: 7, priority: 3 });
  });

  it('follows merges within what is merged', () => {
    const loaded = load(merged('    <<: { <<: *base, priority: 4 }\n'));
    expect(settingsOf(loaded, 'legacy')).toMatchObject({ priority: 4, signing: { kind: 'keys' } });
  });

  it('points at a wrong key where that stands', () => {
    expect(problemsOf(merged('    <<: *base\n').replace('[stomp://a:1]', '[stomp://a:x]'))).toEqual([
      expect.stringContaining('bridge.yaml:10:15: egresses.base.servers[0]: "stomp://a:x" is not allowed'),
      expect.stringContaining('bridge.yaml:10:15: egresses.legacy.servers[0]: "stomp://a:x" is not allowed'),
    ]);
  });

  it('of what is no mapping is refused, and in quotes it is a key', () => {
    expect(problemsOf(merged('    <<: text\n'))).toContain(
      'bridge.yaml:14:9: egresses.legacy.<<: a merge (<<) takes an alias (*) to a mapping, or a list of them; its anchor (&) has to stand before it',
    );
    expect(problemsOf(merged("    '<<': *base\n"))[0]).toContain('egresses.legacy.type: is missing');
  });

  it('of a section into itself ends', () => {
    expect(problemsOf(MINIMAL.replace('  legacy:\n', '  legacy: &it\n    <<: *it\n'))).toEqual([
      expect.stringContaining('a merge (<<) takes an alias'),
    ]);
  });
});

describe('every setting of the real plugins', () => {
  // What the connectors and the SSL plugin of MCollective 2.12.5 read.
  it.each([
    'plugin.activemq.pool.size',
    'plugin.activemq.pool.1.host',
    'plugin.activemq.pool.1.port',
    'plugin.activemq.pool.1.password',
    'plugin.activemq.pool.1.ssl',
    'plugin.activemq.pool.1.ssl.ca',
    'plugin.activemq.pool.1.ssl.fallback',
    'plugin.activemq.priority',
    'plugin.activemq.heartbeat_interval',
    'plugin.activemq.max_reconnect_delay',
    'plugin.rabbitmq.vhost',
    'plugin.ssl_server_public',
    'plugin.ssl_server_private',
    'plugin.ssl_client_cert_dir',
    'plugin.ssl_serializer',
    'plugin.ssl.enforce_ttl',
    'plugin.choria.security.privileged_users',
    'plugin.choria.middleware_hosts',
    'plugin.nats.pass',
    'plugin.something.else',
  ])('has its counterpart, or a word that there is none: %s', (name) => {
    expect(counterpartOf(name)).toBeDefined();
  });
});
