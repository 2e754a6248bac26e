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
  'docs/service-provider.md: mco rpc rpcutil ping --federations acme':
    'test/e2e/service-provider.test.ts asks so, as a client of Choria does, byte by byte',
  'docs/service-provider.md: mco rpc rpcutil inventory --federations globex':
    'test/e2e/service-provider.test.ts asks so',
  'docs/ci.md: cd mcbridge && npm ci && npm pack                                          # mcbridge-0.1.0.tgz':
    'install.long.ts, in a copy of the project',
  'docs/ci.md: cd our-bridge && npm install --save-dev --save-exact ./vendor/mcbridge-0.1.0.tgz':
    'install.long.ts, in a folder of its own',
  'docs/ci.md: npx --no -- mcbridge replay cassettes/ --config bridge.yaml --throw-away-keys --junit report.xml':
    'test/cli/ci-examples.test.ts runs it, as both examples for CI have it',
  'docs/policy-tools.md: mcbridge policy explain --folder policies --caller cert=alice --agent puppet --action status':
    'test/cli/policy.test.ts runs it',
  'docs/policy-tools.md: mcbridge replay cassettes/ --config bridge.yaml --policy new-rules.yaml --report':
    'test/cli/replay-policy.test.ts runs it',
  'docs/operations.md: mcbridge reload --config bridge.yaml --dry-run': 'test/cli/reload.test.ts runs it',
  'docs/operations.md: mcbridge reload --config bridge.yaml': 'test/cli/reload.test.ts runs it',
  'docs/cassettes.md: mcbridge record --config bridge.yaml --out web.cassette.ndjson --for 60s     # record':
    'takes a minute; test/cli/record.test.ts runs it with a shorter time',
  'docs/audit.md: openssl genpkey -algorithm ed25519 -out audit-key.pem': 'test/cli/audit.test.ts runs it',
  'docs/audit.md: openssl pkey -in audit-key.pem -pubout -out audit-public.pem':
    'test/cli/audit.test.ts runs it',
  'docs/audit.md: openssl rand -base64 48 > audit.hmac': 'test/cli/audit.test.ts runs it',
  'docs/audit.md: chmod 600 audit-key.pem audit.hmac': 'test/cli/audit.test.ts runs it',
  'docs/audit.md: jq -r \'select(.mcbridge.verdict == "allow") | [.caller, .agent + "." + .action] | @tsv\' audit.log | sort | uniq -c':
    'test/cli/audit.test.ts runs it',
  'docs/audit.md: mcbridge audit verify /var/log/mcbridge/audit.log* --key audit-public.pem':
    'test/cli/audit.test.ts runs it',
  'docs/audit.md: nats sub --raw mcbridge.audit.heads >> heads.ndjson':
    'no nats CLI can be installed here; test/app/audit.test.ts hears what is published',
  'docs/audit.md: mcbridge audit verify audit.log* --key audit-public.pem --heads heads.ndjson':
    'test/cli/audit.test.ts runs it',
  'docs/audit.md: mcbridge audit search audit.log* --caller choria=alice.mcollective --agent service.restart --since 2026-11-30':
    'test/cli/audit.test.ts runs it',
  'docs/audit.md: mcbridge audit search audit.log* --id 5b2f6c1de7a94a0c8f3f5f0e9d2b7a11':
    'test/cli/audit.test.ts runs it',
  'docs/audit.md: mcbridge audit search audit.log* --hmac bob --hmac-key audit.hmac --json':
    'test/cli/audit.test.ts runs it',
};
