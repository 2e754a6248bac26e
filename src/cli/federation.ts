import type { Command } from 'commander';

/** The parent of `mcbridge federation observe` and `mcbridge federation trace`, made by whichever asks first. */
export const federationCommand = (program: Command): Command =>
  program.commands.find((command) => command.name() === 'federation') ??
  program
    .command('federation')
    .description('watch a federation and follow a request through it')
    .addHelpText(
      'after',
      `
Examples:
  mcbridge federation observe --config bridge.yaml
  mcbridge federation trace web1.example.net --config bridge.yaml --cert alice.pem --key alice.key`,
    );
