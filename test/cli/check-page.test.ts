import { expect, test } from 'vitest';
import { makeCheckWorld } from './check-world.ts';

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
