import { type Command, Option } from 'commander';
import { DIALECT_NAMES, USUAL_DIALECT } from './subject.ts';

/** The options that say which policy is meant. */
export const addSubjectOptions = (command: Command): Command =>
  command
    .option('-c, --config <file>', 'a configuration with policies')
    .option('--policy <name>', 'one of its policies; without --config, a file of rules')
    .option('--route <route>', 'the policy of this route, "ingress -> egress"')
    .option('--folder <dir>', "a folder of ActionPolicy's files, *.policy and groups")
    .addOption(
      new Option('--dialect <name>', `whose files those are; ${USUAL_DIALECT} unless told`).choices(
        DIALECT_NAMES,
      ),
    )
    .option('--allow-unconfigured', 'with --folder: as its nodes have it')
    .option('--enable-default', 'with --folder: as its nodes have it')
    .option('--default-name <name>', 'with --folder: as its nodes have it; default unless told')
    .addOption(
      new Option('--unknown <verdict>', 'with --folder: what is said where it depends on a node').choices([
        'defer',
        'deny',
      ]),
    );
