import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { addFilterOptions, filterFrom } from '../../src/cli/filter-options.ts';
import { coloursFor, counted, escapeControls, listed, ProgressBar } from '../../src/cli/terminal.ts';
import { program } from '../support/program.ts';

describe('the client commands', () => {
  test.each([['ping'], ['rpc'], ['federation', 'trace']])(
    'help with examples and exit codes: %s %s',
    async (...args) => {
      const { status, stdout } = await program(...args, '--help');
      expect(status).toBe(0);
      expect(stdout).toMatch(/Examples:\n {2}mcbridge /);
      expect(stdout).toContain('Exit codes: 0');
      expect(stdout).toContain('MCBRIDGE_SERVER');
    },
  );

  test.each([
    [['ping'], 'no server: give --server'],
    [['ping', '--timeout', 'soon'], 'A time is a number of seconds'],
    [['ping', '-F', 'country'], 'A fact filter is fact=value'],
    [['ping', '-I', 'a b'], 'An identity is a name'],
    [['ping', '--dialect', 'perl'], 'Allowed choices are both, go, ruby'],
    [['rpc', 'rpcutil'], "missing required argument 'action'"],
    [['rpc', 'rpcutil', 'ping', 'novalue'], 'write key=value'],
    [['rpc', 'rpc.util', 'ping'], '"rpc.util" is not the name of an agent'],
    [['rpc', 'rpcutil', 'ping', '--target', '*'], 'A node is named by its identity'],
    [['rpc', 'rpcutil', 'ping', '--target', 'n1', '-C', 'x'], 'give one or the other'],
    [['rpc', 'rpcutil', 'ping', '--target', 'n1', '--broadcast'], 'give one of them'],
    [['ping', '-W', 'apache a='], 'A fact filter is fact=value'],
    [['ping', '-S', 'x'], '(-S: compound filters are not offered here'],
    [['rpc', 'rpcutil', 'ping', '--dt=2'], '(--dt: write --discovery-timeout SECONDS'],
    [['rpc', 'rpcutil', 'ping', '--nodes', 'f'], '(--nodes: name each node with --target NODE)'],
    [['ping', '-I', '/web['], 'An identity is a name'],
    [['ping', '-I', '/web[/'], 'It is no regular expression: missing closing ]'],
    [['ping', '-C', '/apache/i'], 'write /(?i)apache/'],
    [['ping', '-F', 'name=~*web'], 'It is no regular expression: missing argument to repetition'],
    [['ping', '-F', 'name=/web)/'], 'It is no regular expression: unexpected )'],
    [['ping', '-W', '/a(/'], 'It is no regular expression: missing closing )'],
    [
      ['ping', '-I', '/^(?!db)/'],
      'only nodes in Ruby can read the regular expression /^(?!db)/: (?! looks ahead',
    ],
    [['ping', '-C', '/web\\Z/'], 'only nodes in Ruby can read the regular expression'],
    [['inventory', '--node', '/^web/'], 'and no regular expression'],
    [['observe'], '(here it is mcbridge federation observe)'],
    [['trace', 'web1.example.net'], '(here it is mcbridge federation trace NODE)'],
    [['facts', 'osfamily'], '(here it is mcbridge rpc rpcutil get_fact fact=NAME)'],
    [['federation', 'trace'], "missing required argument 'node'"],
    [['federation', 'trace', 'a.>'], 'A node is named by its identity'],
  ])('take %j for wrong usage', async (args, sentence) => {
    const { status, stdout, stderr } = await program(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(sentence);
  });
});

describe('the filters of -W', () => {
  test('are those of -F and -C together', () => {
    const command = addFilterOptions(new Command());
    command.parse(['-W', '/apache/ country=uk  cores>=4', '-C', 'mysql', '-F', 'a=b'], { from: 'user' });
    expect(filterFrom(command.opts())).toEqual({
      fact: [
        { fact: 'a', operator: '==', value: 'b' },
        { fact: 'country', operator: '==', value: 'uk' },
        { fact: 'cores', operator: '>=', value: '4' },
      ],
      cfClass: ['mysql', '/apache/'],
    });
  });
});

describe('times in the help', () => {
  test.each([
    [['ping'], ['2']],
    [['rpc'], ['10', '2']],
    [
      ['federation', 'trace'],
      ['3', '11'],
    ],
  ])('are in the unit of the option: %j', async (command, defaults) => {
    const { stdout } = await program(...command, '--help');
    const shown = [...stdout.matchAll(/--[\w-]+ <seconds>[\s\S]*?\(default:\s+(\S+)\)/g)].map(([, it]) => it);
    expect(shown).toEqual(defaults);
  });

  test('no default is one of the program alone', async () => {
    for (const command of [[], ['rpc'], ['decode'], ['run'], ['record'], ['inventory'], ['replay']])
      expect((await program(...command, '--help')).stdout).not.toMatch(/default:\s+(?:\[|\{|\d{4,})/);
  });
});

describe('what is shown on a terminal', () => {
  beforeEach(() => vi.stubEnv('TERM', 'xterm'));
  afterEach(() => vi.unstubAllEnvs());

  test('is neither coloured nor written over where the terminal is dumb', () => {
    vi.stubEnv('TERM', 'dumb');
    vi.stubEnv('NO_COLOR', undefined);
    const it = screen(true);
    const bar = new ProgressBar(it, 2);
    bar.step();
    bar.end();
    expect(it.written).toEqual([]);
    expect(coloursFor({ isTTY: true }).red('x')).toBe('x');
    vi.stubEnv('TERM', 'xterm');
    expect(coloursFor({ isTTY: true }).red('x')).not.toBe('x');
  });

  const screen = (isTTY: boolean) => {
    const written: string[] = [];
    return { isTTY, write: (text: string) => written.push(text), written };
  };

  test('is a bar that fills as replies come, and goes away', () => {
    const it = screen(true);
    const bar = new ProgressBar(it, 2);
    bar.step();
    bar.step();
    bar.end();
    expect(it.written).toEqual([
      `\r\x1b[K${'░'.repeat(30)} 0/2`,
      `\r\x1b[K${'█'.repeat(15)}${'░'.repeat(15)} 1/2`,
      `\r\x1b[K${'█'.repeat(30)} 2/2`,
      '\r\x1b[K',
    ]);
  });

  test('is a count where nobody knows how many will come', () => {
    const it = screen(true);
    const bar = new ProgressBar(it, undefined);
    bar.step();
    expect(it.written.at(-1)).toBe('\r\x1b[K1 reply');
  });

  test('is written over no more often than somebody can read it, where thousands come', () => {
    const it = screen(true);
    const bar = new ProgressBar(it, undefined, 'message');
    for (let i = 1; i <= 10_000; i++) bar.showAt(i);
    expect(it.written[0]).toBe('\r\x1b[K0 messages');
    expect(it.written[1]).toBe('\r\x1b[K1 message');
    expect(it.written.length).toBeLessThan(10);
  });

  test('is nothing where there is no terminal', () => {
    const it = screen(false);
    const bar = new ProgressBar(it, 2);
    bar.step();
    bar.end();
    expect(it.written).toEqual([]);
  });

  test('cannot steer it, wherever it came from', () => {
    expect(escapeControls('a\x1b[2Jb\n\x7f\x9bc\u202ed é')).toBe(
      'a\\u{001b}[2Jb\\n\\u{007f}\\u{009b}c\\u{202e}d é',
    );
  });

  test('is counted and listed in words', () => {
    expect([counted(1, 'node'), counted(2, 'node')]).toEqual(['1 node', '2 nodes']);
    expect(listed(['a', 'b'], 2)).toBe('a, b');
    expect(listed(['a', 'b', 'c', 'd'], 2)).toBe('a, b and 2 more');
  });
});
