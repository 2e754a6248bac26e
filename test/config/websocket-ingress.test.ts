import { describe, expect, it } from 'vitest';
import { webSocketIngress } from '../../src/adapters/websocket/config.ts';
import { webSocketLink } from '../../src/adapters/websocket/link-options.ts';
import { ANY_CONTEXT } from '../../src/config/context.ts';
import { problemsOf } from './sample.ts';

const schema = webSocketIngress({ ...ANY_CONTEXT, resolve: (path) => `/etc/${path}` });
const TOKENS = { issuer: 'https://login.example.net', audience: 'mcbridge', jwks_file: 'jwks.json' };
const LOCAL = { type: 'websocket', listen: '127.0.0.1:8443', tokens: TOKENS };
const TLS = { cert: 'web.pem', key: 'web.key' };
const OPEN = { ...LOCAL, listen: '0.0.0.0:8443', tls: TLS, hosts: ['bridge.example.net'] };

const problems = (value: unknown): readonly string[] =>
  schema.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

describe('the configuration of an ingress websocket', () => {
  it('does without TLS on this machine, and knows by which names it is reached there', () => {
    expect(schema.parse(LOCAL)).toMatchObject({
      listen: { host: '127.0.0.1', port: 8443 },
      hosts: ['127.0.0.1', 'localhost', '[::1]'],
      origins: [],
      tokens: { algorithms: ['RS256'], claim: 'sub', jwksFile: '/etc/jwks.json' },
      maxCalls: 32,
    });
    expect(schema.parse({ ...LOCAL, listen: '[::1]:0' })).toMatchObject({ listen: { host: '::1', port: 0 } });
    expect(schema.parse({ ...OPEN, listen: 'Bridge.example.net:1', hosts: undefined })).toMatchObject({
      hosts: ['bridge.example.net'],
    });
  });

  it.each<[string, object, readonly string[]]>([
    [
      'TLS, or insecure_plaintext, elsewhere than on this machine',
      { ...OPEN, tls: undefined },
      ['tls: is missing: elsewhere than on this machine it takes tls, or insecure_plaintext: true'],
    ],
    [
      'TLS where a name only begins as an address of this machine does',
      { ...OPEN, listen: '127.example.net:8443', tls: undefined },
      ['tls: is missing: elsewhere than on this machine it takes tls, or insecure_plaintext: true'],
    ],
    ['or insecure_plaintext', { ...OPEN, tls: undefined, insecure_plaintext: true }, []],
    [
      'not both',
      { ...OPEN, insecure_plaintext: true },
      ['insecure_plaintext: contradicts tls: leave out one of them'],
    ],
    [
      'a way for clients to say who they are',
      { ...LOCAL, tokens: undefined },
      [': nobody could come in: give clients, tokens, or both'],
    ],
    [
      'TLS for certificates',
      { ...LOCAL, clients: { ca: 'ca.pem' } },
      ['clients: are of no use without tls: a certificate is shown with TLS'],
    ],
    [
      'names where it listens at every address',
      { ...OPEN, hosts: undefined },
      ['hosts: is missing: where it listens at every address, it takes the names by which clients reach it'],
    ],
    [
      'one place of keys',
      { ...LOCAL, tokens: { ...TOKENS, jwks_url: 'https://login.example.net/keys' } },
      ['tokens: give either jwks_file or jwks_url'],
    ],
    [
      'keys by TLS only',
      { ...LOCAL, tokens: { ...TOKENS, jwks_file: undefined, jwks_url: 'http://login.example.net/keys' } },
      ['tokens.jwks_url: is not allowed'],
    ],
    [
      'no algorithm that proves nothing',
      { ...LOCAL, tokens: { ...TOKENS, algorithms: ['none'] } },
      ['tokens.algorithms.0: is not allowed'],
    ],
    [
      'no shared secrets',
      { ...LOCAL, tokens: { ...TOKENS, algorithms: ['HS256'] } },
      ['tokens.algorithms.0: is not allowed'],
    ],
    [
      'origins without a path',
      { ...LOCAL, origins: ['https://ops.example.net/'] },
      ['origins.0: is not allowed'],
    ],
    ['no star for an origin', { ...LOCAL, origins: ['*'] }, ['origins.0: is not allowed']],
    ['a port that there is', { ...LOCAL, listen: '127.0.0.1:65536' }, ['listen: is not allowed']],
  ])('takes %s', (_, value, told) => {
    expect(problems(value)).toEqual(told);
  });

  it('has its files named as they stand where they cannot be read', () => {
    const paths: string[] = [];
    const config = schema.parse({ ...OPEN, clients: { ca: 'ca.pem' } });
    webSocketLink(config, { name: 'web', side: 'ingress' })(
      { identity: 'bridge', maxMessageBytes: 1 },
      (file, path) => {
        paths.push(path.join('.'));
        return Buffer.from(file);
      },
    );
    expect(paths).toEqual([
      'ingresses.web.tls.cert',
      'ingresses.web.tls.key',
      'ingresses.web.clients.ca',
      'ingresses.web.tokens.jwks_file',
    ]);
  });
});

it('an identity rule takes the names that other authorities give', () => {
  const withRule = (rule: string): string => `cluster_key: 0123456789abcdef0123456789abcdef
ingresses:
  web: ${JSON.stringify(LOCAL)}
egresses:
  legacy:
    type: mcollective-stomp
    servers: [stomp://activemq1.example.net:61613]
    signing: { keys_dir: keys }
    server_public_key: server.pem
routes:
  - { from: web, to: legacy, collectives: [mcollective], identities: [${rule}] }
`;
  expect(problemsOf(withRule('{ exact: oidc=alice@example.net, to: cert=alice }'))).toEqual([]);
  expect(problemsOf(withRule("{ regex: 'oidc=(.+)@example\\.net', to: cert=$1 }"))).toEqual([]);
  expect(problemsOf(withRule("{ exact: 'oidc=a b', to: cert=alice }"))).toHaveLength(1);
  expect(problemsOf(withRule('{ exact: oidc=alice@example.net, to: cert=alice@example.net }'))).toHaveLength(
    1,
  );
});
