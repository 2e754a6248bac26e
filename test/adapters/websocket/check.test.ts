import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { webSocketCheck } from '../../../src/adapters/websocket/check.ts';
import { webSocketIngress } from '../../../src/adapters/websocket/config.ts';
import { Checklist } from '../../../src/config/checklist.ts';
import { ANY_CONTEXT } from '../../../src/config/context.ts';
import { authority, issuer, SERVER_TLS } from '../../transport/websocket/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcbridge-web-'));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text, { mode: 0o600 });

const SECTION = {
  type: 'websocket',
  listen: '127.0.0.1:8443',
  tls: { cert: 'web.pem', key: 'web.key' },
  clients: { ca: 'ca.pem' },
  tokens: { issuer: issuer.issuer, audience: 'mcbridge', jwks_file: 'jwks.json' },
};

const checkOf = (section: object = SECTION) => {
  const schema = webSocketIngress({ ...ANY_CONTEXT, resolve: (path) => join(folder, path) });
  return webSocketCheck(schema.parse(section), 'web');
};

/** What is found, without what is good, and without what these certificates of a day have to be told. */
const found = (section?: object): readonly string[] => {
  const list = new Checklist({ file: 'bridge.yaml', at: () => ({ line: 1, column: 1 }) });
  checkOf(section).files(list, Date.now());
  return list.findings
    .filter(({ status, message }) => status !== 'ok' && !message.includes('expires within a day'))
    .map(({ status, path, message }) => `${status} ${path}: ${message.replaceAll(`${folder}/`, '')}`);
};

const good = (): void => {
  write('web.pem', SERVER_TLS.cert);
  write('web.key', SERVER_TLS.key);
  write('ca.pem', authority.certificate);
  write('jwks.json', issuer.jwks);
};

describe('mcbridge check, of an ingress websocket,', () => {
  it('finds nothing where all is good', () => {
    good();
    expect(found()).toEqual([]);
  });

  it.each<[string, string, string, RegExp]>([
    ['no certificate', 'web.pem', 'x', /problem ingresses\.web\.tls\.cert: web\.pem is not a certificate/],
    ['no key', 'web.key', 'x', /problem ingresses\.web\.tls\.key/],
    ['no CA', 'ca.pem', SERVER_TLS.cert, /problem ingresses\.web\.clients\.ca: .*is not a CA's/],
    ['no JSON', 'jwks.json', '{', /problem ingresses\.web\.tokens\.jwks_file: jwks\.json: it is not JSON/],
    ['no key set', 'jwks.json', '{"keys":1}', /tokens\.jwks_file: jwks\.json: it is no JSON Web Key Set/],
  ])('finds a file that is %s', (_, name, text, sentence) => {
    good();
    write(name, text);
    expect(found()).toEqual([expect.stringMatching(sentence)]);
  });

  it('warns of what can be read on the way', () => {
    good();
    const { tls: _tls, clients: _clients, ...plain } = SECTION;
    const open = { ...plain, listen: '0.0.0.0:8080', hosts: ['x'], insecure_plaintext: true };
    expect(found(open)).toEqual([
      'warning ingresses.web.insecure_plaintext: tokens and all that is asked and answered can be read on the way',
    ]);
  });

  it('knows who cannot come in', () => {
    expect(checkOf().lackFor('cert=alice')).toBeUndefined();
    expect(checkOf().lackFor('oidc=alice@example.net')).toBeUndefined();
    const { clients: _, ...tokens } = SECTION;
    expect(checkOf(tokens).lackFor('cert=alice')).toMatchObject({ mend: 'give clients' });
  });
});
