import { describe, expect, it } from 'vitest';
import { webSocketAdapter } from '../../../src/adapters/websocket/adapter.ts';
import { webSocketIngress } from '../../../src/adapters/websocket/config.ts';
import { ANY_CONTEXT } from '../../../src/config/context.ts';

const SECTION = {
  type: 'websocket',
  tokens: { issuer: 'https://login.example.net', audience: 'mcbridge', jwks_file: 'jwks.json' },
  origins: ['http://127.0.0.1:8223'],
};
const TLS = { tls: { cert: 'web.pem', key: 'web.key' } };

const urlOf = (keys: object): string | undefined =>
  webSocketAdapter(webSocketIngress(ANY_CONTEXT).parse({ ...SECTION, ...keys }), 'web').pageAccess?.url;

describe('where a page asks by the ingress', () => {
  it.each<[object, string]>([
    [{ listen: '127.0.0.1:8443' }, 'ws://127.0.0.1:8443'],
    [{ listen: 'localhost:8443' }, 'ws://localhost:8443'],
    [{ listen: '[::1]:8443' }, 'ws://localhost:8443'],
    [{ listen: '127.0.0.1:8443', ...TLS }, 'wss://127.0.0.1:8443'],
    [{ listen: '0.0.0.0:8443', hosts: ['mcbridge.example.net'], ...TLS }, 'wss://mcbridge.example.net:8443'],
    [
      { listen: '[::]:8443', hosts: ['[2001:db8::1]', 'Web.example.net'], ...TLS },
      'wss://web.example.net:8443',
    ],
    [
      { listen: '0.0.0.0:8443', hosts: ['web.example.net', '127.0.0.1'], insecure_plaintext: true },
      'ws://127.0.0.1:8443',
    ],
  ])('of %j is its own address', (keys, url) => expect(urlOf(keys)).toBe(url));

  it.each<[string, object]>([
    [
      'a token would be sent in plain text',
      { listen: '0.0.0.0:8443', hosts: ['web.example.net'], insecure_plaintext: true },
    ],
    [
      'a name only looks like this machine',
      { listen: '0.0.0.0:8443', hosts: ['127.example.net'], insecure_plaintext: true },
    ],
    ['a policy of a page can name no address of IPv6', { listen: '[2001:db8::1]:8443', ...TLS }],
    ['nobody knows the port', { listen: '127.0.0.1:0' }],
  ])('is nowhere where %s', (_, keys) => expect(urlOf(keys)).toBeUndefined());
});
