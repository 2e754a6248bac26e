import { describe, expect, test } from 'vitest';
import { optionHint, wordHint } from '../../src/cli/hints.ts';
import { program } from '../support/program.ts';

/** mcollective/optionparser.rb and application/rpc.rb of MCollective 2.12.5. */
const MCO = [
  ...[
    '-W',
    '--with',
    '-S',
    '--select',
    '-F',
    '--wf',
    '--with-fact',
    '-C',
    '--wc',
    '--with-class',
    '-A',
    '--wa',
  ],
  ...[
    '--with-agent',
    '-I',
    '--wi',
    '--with-identity',
    '-c',
    '--config',
    '-v',
    '--verbose',
    '-h',
    '--help',
    '-T',
  ],
  ...[
    '--target',
    '--dt',
    '--discovery-timeout',
    '-t',
    '--timeout',
    '-q',
    '--quiet',
    '--ttl',
    '--reply-to',
    '--dm',
  ],
  ...['--disc-method', '--do', '--disc-option', '--nodes', '--publish_timeout', '--threaded', '--sort'],
  ...[
    '--connection-timeout',
    '-a',
    '--agent',
    '--action',
    '--arg',
    '--argument',
    '--nr',
    '--no-results',
    '-1',
    '--one',
  ],
  ...['--batch', '--batch-sleep-time', '--limit-seed', '--limit-nodes', '--ln', '--limit', '-j', '--json'],
  ...['--display', '--np', '--no-progress'],
];
/** cmd/req.go and client/discovery of go-choria. */
const CHORIA = [
  ...[
    '--config',
    '-j',
    '--json',
    '--table',
    '--senders',
    '-W',
    '-F',
    '-C',
    '-A',
    '-I',
    '-S',
    '-T',
    '--limit',
    '--limit-seed',
  ],
  ...['--batch', '--batch-sleep', '--workers', '--np', '-v', '--verbose', '--display', '-o', '--output-file'],
  ...[
    '--filter-replies',
    '-r',
    '--reply-to',
    '--sort',
    '--nodes',
    '--dm',
    '--do',
    '--discovery-window',
    '--federations',
  ],
];

/** The options that a command has, from its help. */
const optionsOf = async (...command: readonly string[]): Promise<ReadonlySet<string>> => {
  const { stdout } = await program(...command, '--help');
  return new Set(stdout.match(/(?<=^ {2,6}|, )--?[a-zA-Z][\w-]*/gm));
};

test.each([[['ping']], [['rpc', 'AGENT', 'ACTION']]])(
  'mcbridge %j has each option of mco and choria req, or says what to write',
  async (command) => {
    const known = await optionsOf(command[0] ?? '');
    const others = [...new Set([...MCO, ...CHORIA])].filter((option) => !known.has(option));
    expect(others.length).toBeGreaterThan(40);
    expect(others.filter((option) => !optionHint(command, option)?.startsWith(`(${option}: `))).toEqual([]);
  },
);

describe('what people type from habit is answered with what to write:', () => {
  test.each([
    [
      ['rpc', '--agent', 'rpcutil', 'ping'],
      '(--agent: the agent is the first word: mcbridge rpc AGENT ACTION [KEY=VALUE …])',
    ],
    [['rpc', 'rpcutil', 'ping', '-v'], '(-v: all that a node says is shown anyway; --json has everything)'],
    [['ping', '-t', '5'], '(-t: write --timeout SECONDS)'],
    [
      ['ping', '--target', 'uk_collective'],
      '(--target: name a node with -I NODE, a collective with -T NAME)',
    ],
    [['ping', 'web1'], '(write mcbridge ping -I NODE)'],
    [['inventory', 'web1'], '(write mcbridge inventory --node NODE; what one node is made of: '],
    [['inventory', '-F', 'a=b'], '(-F: write mcbridge ping or mcbridge rpc, which take filters)'],
    [['inventory', '-I', 'web1'], '(-I: write --node PATTERN)'],
    [['federation', 'trace', 'web1', 'web2'], '(write mcbridge federation trace NODE, one node at a time)'],
    [['federation', 'observe', 'production'], '(write mcbridge federation observe --cluster NAME)'],
    [['run', '-v', '--config', 'x'], '(-v: write log: { level: debug } into the configuration)'],
    [['run', 'bridge.yaml'], '(write mcbridge run --config FILE)'],
    [['check', 'bridge.yaml'], '(write mcbridge check --config FILE)'],
    [['decode', '-v'], '(-v: write --full, which cuts nothing)'],
  ])('%j', async (args, hint) => {
    const { status, stdout, stderr } = await program(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(hint);
    expect(stderr).not.toContain('Did you mean');
  });

  test('of the option that is not there, whatever stands beside it', async () => {
    const { stderr } = await program('rpc', 'a', 'b', '--target', 'n1', '--discovery-timeout', '1', '--sort');
    expect(stderr).toContain('(--sort: ');
    expect(stderr).not.toContain('--target: ');
  });

  test('and what nobody has a habit of with what has nearly its letters', async () => {
    expect((await program('ping', '--timeot', '2')).stderr).toContain('Did you mean --timeout?');
    expect(wordHint(['decode', 'x'])).toBeUndefined();
  });
});
