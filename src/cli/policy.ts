import type { Command } from 'commander';
import { registerPolicyExplain } from './policy/explain.ts';
import { registerPolicyImport } from './policy/import.ts';
import { registerPolicyTest } from './policy/test.ts';

/** `mcbridge policy` */
export const registerPolicy = (program: Command): void => {
  const policy = program
    .command('policy')
    .summary('see what a policy says, and why')
    .description('Asks policies as the bridge does, without a bridge or a network.')
    .addHelpText(
      'after',
      `
A policy is one of a configuration (--config, with --policy or --route), a file of rules (--policy rules.yaml), or a folder of ActionPolicy's files (--folder).

Examples:
  mcbridge policy explain --folder /etc/mcollective/policies --caller cert=alice --agent puppet --action runonce
  mcbridge policy test policy-cases.yaml --junit policy.xml
  mcbridge policy import --from /etc/mcollective/policies --out rules.yaml`,
    );
  registerPolicyExplain(policy);
  registerPolicyTest(policy);
  registerPolicyImport(policy);
};
