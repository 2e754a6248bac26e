import { describe, expect, it } from 'vitest';
import { pageHostsOf, pageUrlsOf } from '../../src/setup/page-login.ts';
import { load, MINIMAL, minimalWith, problemsOf } from './sample.ts';

const withPage = (text: string): string => minimalWith('ingresses:', `page: ${text}\ningresses:`);

describe('the live page', () => {
  it('is off, unless the file gives an address', () => {
    expect(load(MINIMAL).config.page).toBeUndefined();
    expect(load(withPage('{}')).config.page).toBeUndefined();
    expect(load(withPage('{ listen: off }')).config.page).toBeUndefined();
  });

  it.each([
    ['127.0.0.1:8223', { host: '127.0.0.1', port: 8223 }],
    ['127.8.9.1:80', { host: '127.8.9.1', port: 80 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['"[::1]:8223"', { host: '::1', port: 8223 }],
  ])('is served on %s', (listen, where) => {
    expect(load(withPage(`{ listen: ${listen} }`)).config.page).toEqual({ ...where, login: undefined });
  });

  it.each(['0.0.0.0', '192.0.2.1', 'bridge.example.net', '127.example.net', 'localhost.example.net'])(
    'is not served to others, on %s',
    (host) => {
      expect(problemsOf(withPage(`{ listen: "${host}:8223" }`))).toEqual([
        `bridge.yaml:2:17: page.listen: ${host} can be reached from other machines: give login, the name of an ingress whose clients prove who they are, and allow; or listen on 127.0.0.1, [::1] or localhost`,
      ]);
    },
  );

  it('says what is no address', () => {
    expect(problemsOf(withPage('{ listen: 8223 }'))).toEqual([
      'bridge.yaml:2:17: page.listen: 8223 is not allowed; allowed: an address and a port such as 127.0.0.1:8223 or [::1]:8223, or off',
    ]);
  });
});

const TOKENS =
  "tokens: { issuer: 'https://login.example.net', audience: mcbridge, jwks_url: 'https://login.example.net/keys' }";
const TLS = 'tls: { cert: web.pem, key: web.key }';

/** @param web further keys of an ingress of that name */
const withLogin = (page: string, web = `listen: 127.0.0.1:8443, ${TOKENS}`): string =>
  minimalWith('ingresses:', `page: { ${page} }\ningresses:\n  web: { type: websocket, ${web} }`);

const ELSEWHERE = `listen: 0.0.0.0:8443, hosts: [mcbridge.example.net], ${TOKENS}`;
const ALLOW = "login: web, allow: ['oidc=alice@example.net']";

describe('the live page with a login', () => {
  it.each([
    ['over TLS by the certificate of its ingress', ALLOW, `${ELSEWHERE}, ${TLS}`, 'https'],
    ['over TLS by its own', `${ALLOW}, ${TLS}`, `${ELSEWHERE}, insecure_plaintext: true`, 'https'],
    ['plain where its ingress may be', ALLOW, `${ELSEWHERE}, insecure_plaintext: true`, 'http'],
  ])('is served everywhere, %s', (_, page, web, scheme) => {
    const { config } = load(withLogin(`listen: "0.0.0.0:8223", ${page}`, web));
    expect(config.page).toMatchObject({ host: '0.0.0.0', login: { ingress: 'web', allow: [{}] } });
    expect(pageHostsOf(config)).toEqual(['mcbridge.example.net']);
    expect(pageUrlsOf(config)).toEqual([`${scheme}://mcbridge.example.net:8223`]);
  });

  it('is reached on this machine by its names, or by those that are given', () => {
    const hostsOf = (page: string) => pageHostsOf(load(withLogin(page)).config);
    expect(hostsOf(`listen: "127.0.0.1:8223", ${ALLOW}`)).toEqual(['127.0.0.1', 'localhost', '[::1]']);
    expect(hostsOf(`listen: "[::1]:8223", ${ALLOW}, hosts: [Ops.example.net]`)).toEqual(['ops.example.net']);
    expect(hostsOf('listen: "127.0.0.1:8223"')).toBeUndefined();
  });

  it.each<[string, string, string | undefined, string]>([
    [
      'nobody is allowed',
      'listen: "127.0.0.1:1", login: web',
      undefined,
      'page.allow: is missing: nobody could see the page; say who may, such as oidc=alice@example.net',
    ],
    [
      'a group is allowed',
      'listen: "127.0.0.1:1", login: web, allow: [admins]',
      undefined,
      'page.allow[0]: is a group, which policies have: name callers, or a pattern of them',
    ],
    [
      'there is no such ingress',
      "listen: '127.0.0.1:1', login: wob, allow: ['oidc=alice']",
      undefined,
      'page.login: there is no ingress "wob": give web',
    ],
    [
      'the ingress has clients who prove nothing when they connect',
      "listen: '127.0.0.1:1', login: federation, allow: ['oidc=alice']",
      undefined,
      'page.login: the ingress "federation" cannot tell who opens a page, since its clients show neither a token nor a certificate when they connect: give web',
    ],
    [
      'a token would go over the network in plain text',
      `listen: "0.0.0.0:1", ${ALLOW}, hosts: [mcbridge.example.net]`,
      undefined,
      'page.tls: is missing: web has no tls either, and a token would go over the network in plain text: give cert and key',
    ],
    [
      'it says who may see it, and not how that is proven',
      "listen: '127.0.0.1:1', allow: ['oidc=alice']",
      undefined,
      'page.allow: is of no use without login, the name of an ingress that tells who it is',
    ],
    [
      'it has a name by which anybody could be made to open it',
      'listen: "127.0.0.1:1", hosts: [evil.example.net]',
      undefined,
      'page.hosts: is of no use without login, the name of an ingress that tells who it is',
    ],
  ])('is an error where %s', (_, page, web, sentence) => {
    const problems = problemsOf(withLogin(page, web));
    expect(problems).toEqual([expect.stringMatching(/^bridge\.yaml:2:\d+: /)]);
    expect(problems[0]?.replace(/^bridge\.yaml:2:\d+: /, '')).toBe(sentence);
  });

  it.each([
    ['wss://ops.example.net/mcbridge', true],
    ['ws://127.0.0.1:8080/ws', true],
    ['ws://ops.example.net/ws', false],
    ['wss://ops.example.net/?token=x', false],
    ['wss://user@ops.example.net/', false],
    ["wss://ops.example.net/;script-src '*'", false],
    ['https://ops.example.net/', false],
  ])('sends pages by a proxy at %s: %s', (url, isTaken) => {
    const text = withLogin('listen: off', `listen: 127.0.0.1:8443, ${TOKENS}, url: ${JSON.stringify(url)}`);
    if (isTaken) expect(load(text).config.ingresses.get('web')?.adapter.pageAccess?.url).toBe(url);
    else expect(problemsOf(text)).toEqual([expect.stringContaining('ingresses.web.url: ')]);
  });
});
