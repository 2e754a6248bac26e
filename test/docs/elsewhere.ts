/** Documents whose commands `commands.long.ts` runs: those of the first minutes, a move and CI run with every `npm test`. */
export const LONGER: readonly string[] = [
  'docs/cassettes.md',
  'docs/client.md',
  'docs/decode.md',
  'docs/inventory.md',
  'docs/observe.md',
];

/** Commands of the docs that `commands.test.ts` does not run, each with where it is shown to work, or how it is checked instead. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'README.md: npm ci && npm run demo': 'install.long.ts, in a copy of the project',
  'README.md: npm ci && npm test': 'is what runs this test; .ci/run does both',
  'README.md: npm ci': 'install.long.ts, in a copy of the project',
  'README.md: npm pack': 'install.long.ts, in a copy of the project',
  'README.md: sudo npm install --global ./mcbridge-0.1.0.tgz':
    'install.long.ts, with --prefix, so that the machine stays as it is',
  'README.md: choria ping':
    'no go-choria can be installed here; test/e2e asks as its client does, byte by byte',
  'README.md: choria req rpcutil get_fact fact=osfamily': 'as choria ping',
  'docs/ci.md: cd mcbridge && npm ci && npm pack                                          # mcbridge-0.1.0.tgz':
    'install.long.ts, in a copy of the project',
  'docs/ci.md: cd our-bridge && npm install --save-dev --save-exact ./vendor/mcbridge-0.1.0.tgz':
    'install.long.ts, in a folder of its own',
  'docs/ci.md: npx --no -- mcbridge replay cassettes/ --config bridge.yaml --throw-away-keys --junit report.xml':
    'test/cli/ci-examples.test.ts runs it, as both examples for CI have it',
  'docs/cassettes.md: mcbridge record --config bridge.yaml --out web.cassette.ndjson --for 60s     # record':
    'takes a minute; test/cli/record.test.ts runs it with a shorter time',
};
