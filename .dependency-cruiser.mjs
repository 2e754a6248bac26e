/**
 * Which room of `src/` may import which: imports point down this list only. What a room holds is in `docs/architecture.md`.
 */
const ROOMS = [
  'cli',
  'public',
  'testing',
  'app',
  'page',
  'capture',
  'inspect',
  'control',
  'telemetry',
  'nodes',
  'cluster',
  'bridge',
  'audit',
  'setup',
  'policy',
  'adapters',
  'config',
  'client',
  'websocket-client',
  'transport',
  'pki',
  'codec',
  'envelope',
];

/** The one way up: a client of Choria speaks Choria's wire. */
const UPWARDS = {
  client: ['adapters/choria/wire/'],
};

const downwards = ROOMS.map((room, floor) => ({
  name: `${room}-imports-downwards`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: {
    path: ROOMS.slice(0, floor).map((above) => `^src/${above}/`),
    pathNot: (UPWARDS[room] ?? []).map((path) => `^src/${path}`),
  },
})).filter(({ to }) => to.path.length > 0);

export default {
  forbidden: [
    ...downwards,
    { name: 'no-circle', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'bridge-knows-the-envelope-only',
      severity: 'error',
      from: { path: '^src/bridge/' },
      to: { path: '^src/', pathNot: ['^src/bridge/', '^src/envelope/'] },
    },
    {
      name: 'transport-knows-texts-only',
      comment: "how somebody else's text is quoted in a sentence",
      severity: 'error',
      from: { path: '^src/transport/' },
      to: { path: '^src/', pathNot: ['^src/transport/', '^src/envelope/text\\.ts$'] },
    },
    {
      name: 'the-client-for-browsers-needs-nothing-else',
      severity: 'error',
      from: { path: '^src/websocket-client/' },
      to: { pathNot: '^src/websocket-client/' },
    },
    {
      name: 'a-protocol-knows-the-wire-of-another-only',
      severity: 'error',
      from: { path: '^src/adapters/(?!kit/)([^/]+)/' },
      to: {
        path: '^src/adapters/[^/]+/',
        pathNot: ['^src/adapters/$1/', '^src/adapters/kit/', '^src/adapters/[^/]+/wire/'],
      },
    },
    {
      name: 'the-kit-knows-no-protocol',
      severity: 'error',
      from: { path: '^src/adapters/kit/' },
      to: { path: '^src/adapters/(?!kit/)[^/]+/' },
    },
    {
      name: 'the-program-needs-no-vitest',
      comment: 'who writes an adapter has it installed; who runs a bridge has not',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/testing/', '^src/public/testing[.]ts$'] },
      to: { path: ['^vitest$', '^src/testing/', '^src/public/testing[.]ts$', '(^|/)node_modules/vitest/'] },
    },
    {
      name: 'formats-are-pure',
      comment: 'no sockets, clocks or files',
      severity: 'error',
      from: { path: ['^src/envelope/.*[.]ts$', '^src/codec/.*[.]ts$', '^src/adapters/[^/]+/wire/'] },
      to: {
        path: '^(?:node:)?(?:fs|net|tls|http|https|dgram|dns|child_process|timers|worker_threads|os)(?:/|$)',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
