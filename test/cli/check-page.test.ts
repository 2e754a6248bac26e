import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startControl } from '../../src/control/server.ts';
import { SILENT_LOG } from '../../src/envelope/log.ts';
import { keyPair } from '../support/pki.ts';
import { bridge, makeCheckWorld } from './check-world.ts';

const web = (name: string, keys: string): string => `  ${name}:
    type: websocket
    listen: 127.0.0.1:8443
    tokens: { issuer: 'https://login.example.net', audience: mcbridge, jwks_url: 'https://login.example.net/keys' }
${keys}`;

const route = (from: string): string => `  - from: ${from}
    to: legacy
    collectives: [mcollective]
    identities: [{ exact: oidc=alice, to: cert=rip }]
`;

/** What check says about the console for one ingress. */
const saidOf = async (
  keys: string,
  page = 'page: { listen: "127.0.0.1:8223" }',
): Promise<readonly string[]> => {
  const world = makeCheckWorld(
    (config) =>
      `${config.replace('ingresses:\n', `ingresses:\n${web('web', keys)}`).replace('\nhttp: {', `\n${route('web')}http: {`)}${page}\n`,
  );
  try {
    const findings = await world.findings();
    expect(findings[0]?.message).toContain('is a valid configuration');
    return findings
      .filter(({ message }) => message.includes('console'))
      .map(({ status, path, message, mend }) => [status, path, message, mend].filter(Boolean).join(': '));
  } finally {
    world.end();
  }
};

test('an ingress that takes the page has a console', async () => {
  expect(await saidOf("    origins: ['http://127.0.0.1:8223']\n")).toEqual([
    'ok: ingresses.web: the live page has a console for web',
  ]);
});

test('an ingress that takes no page of this machine has none, and how it would', async () => {
  for (const origins of ['', "    origins: ['https://ops.example.net']\n"])
    expect(await saidOf(origins)).toEqual([
      'ok: ingresses.web: the live page has no console for web; with http://127.0.0.1:8223 in origins it has one',
    ]);
});

test('an ingress that takes pages of this machine, and not of the address that is served, may be for a tunnel', async () => {
  expect(await saidOf("    origins: ['http://localhost:9000']\n")).toEqual([
    'warning: ingresses.web: the live page has a console for web, which does not take pages of http://127.0.0.1:8223: add http://127.0.0.1:8223 to origins, or open the page by an origin that is there',
  ]);
});

test('without a page nothing is said', async () => {
  expect(await saidOf("    origins: ['http://127.0.0.1:8223']\n", '')).toEqual([]);
});

/** What check says about the keys of the page. @param keys of the ingress */
const saidOfPage = async (page: string, keys = '', files: Readonly<Record<string, string>> = {}) => {
  const world = makeCheckWorld(
    (config) =>
      `${config.replace('ingresses:\n', `ingresses:\n${web('web', keys)}`).replace('\nhttp: {', `\n${route('web')}http: {`)}page: ${page}\n`,
  );
  try {
    for (const [name, text] of Object.entries(files)) world.write(name, text);
    return (
      (await world.findings())
        .filter(({ path, status }) => path.startsWith('page') && status !== 'ok')
        // Those of tests live for a day.
        .filter(({ message }) => !message.includes('expires within a day'))
        .map(({ status, path, message, mend }) => [status, path, message, mend].filter(Boolean).join(': '))
    );
  } finally {
    world.end();
  }
};

const LOGIN = "listen: '127.0.0.1:0', login: web";
const PAIR = { 'page.pem': bridge.certificate, 'page.key': bridge.privateKey };
const OWN = 'tls: { cert: page.pem, key: page.key }';

test('a page with a login that is in order is no news', async () => {
  expect(await saidOfPage(`{ ${LOGIN}, allow: ['oidc=alice'], ${OWN} }`, '', PAIR)).toEqual([]);
});

test('the certificate of a page is looked at with its key', async () => {
  const others = { ...PAIR, 'page.key': keyPair('another').privateKey };
  expect(await saidOfPage(`{ ${LOGIN}, allow: ['oidc=alice'], ${OWN} }`, '', others)).toEqual([
    expect.stringMatching(/^problem: page\.tls\.key: .*page\.key is not the key of the certificate in/),
  ]);
  expect(await saidOfPage(`{ ${LOGIN}, allow: ['oidc=alice'], ${OWN} }`)).toEqual([
    expect.stringMatching(/^problem: page\.tls\.cert: .*there is no such file/),
    expect.stringMatching(/^problem: page\.tls\.key: .*there is no such file/),
  ]);
});

test('who is let in by nothing that he could show, and everybody, are told of', async () => {
  expect(await saidOfPage(`{ ${LOGIN}, allow: ['cert=bob', '*', '/cert=.+/'] }`)).toEqual([
    'warning: page.allow[0]: cert=bob cannot see it: web takes no certificates, so cert=bob cannot come in there: give clients',
    'warning: page.allow[1]: everybody who can prove a name to web sees all requests: name those who are to see them, such as oidc=alice@example.net',
  ]);
});

test('a token that goes over the network in plain text is told of', async () => {
  const elsewhere = '    insecure_plaintext: true\n';
  expect(await saidOfPage(`{ listen: '0.0.0.0:0', login: web, allow: ['oidc=alice'] }`, elsewhere)).toEqual([
    'warning: page.login: tokens and all that the page shows can be read on the way: give page.tls, or have a proxy on this machine speak it and listen on 127.0.0.1',
  ]);
});

test('an ingress that nobody can prove a name to is a problem at its line, with what to write', async () => {
  expect(await saidOfPage(`{ listen: '0.0.0.0:1', login: federation, allow: ['oidc=alice'] }`)).toEqual([
    'problem: page.login: the ingress "federation" cannot tell who opens a page, since its clients show neither a token nor a certificate when they connect: give web',
  ]);
  expect(await saidOfPage(`{ listen: '0.0.0.0:1' }`)).toEqual([
    expect.stringMatching(
      /^problem: page\.listen: 0\.0\.0\.0 can be reached from other machines: give login/,
    ),
  ]);
});

test('a page with a login that this bridge serves is its own, and what only looks like it is not', async () => {
  const server = createServer((_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const world = makeCheckWorld(
    (config) =>
      `${config.replace('ingresses:\n', `ingresses:\n${web('web', '')}`)}control_socket: control.sock\npage: { listen: '127.0.0.1:${port}', login: web, allow: ['oidc=alice'] }\n`,
  );
  onTestFinished(() => world.end());
  const said = async () =>
    (await world.findings())
      .filter(({ path }) => path === 'page.listen')
      .map(({ status, message }) => [status, message]);
  expect(await said()).toEqual([
    ['problem', `127.0.0.1:${port} is in use already: give another port, or off`],
  ]);
  const control = await startControl({
    file: join(world.folder, 'control.sock'),
    orders: new Map([['status', async () => ({ cluster: 'mcollective', instance: 'mcbridge.example.net' })]]),
    log: SILENT_LOG,
  });
  onTestFinished(() => control.close());
  expect(await said()).toEqual([['ok', `127.0.0.1:${port} is listened on by this bridge, which runs`]]);
});
