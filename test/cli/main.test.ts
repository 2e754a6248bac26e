import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { run } from '../support/process.ts';
import { type CheckWorld, makeCheckWorld } from './check-world.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const mcbridge = (...args: readonly string[]) => run(process.execPath, [MAIN, ...args]);

let world: CheckWorld | undefined;
const given = (edit?: (config: string) => string): string => {
  world = makeCheckWorld(edit);
  return world.config;
};

afterEach(() => {
  world?.end();
  world = undefined;
});

describe('mcbridge', () => {
  it('tells its version', async () => {
    expect(await mcbridge('--version')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  it.each([
    [['--help']],
    [['check', '--help']],
    [['help', 'check']],
    ...['decode', 'record', 'redact', 'replay'].map((command): [string[]] => [[command, '--help']]),
  ])('helps with examples and exit codes: %j', async (args) => {
    const { status, stdout } = await mcbridge(...args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}mcbridge /);
    expect(stdout).toContain('Exit codes: 0');
  });

  it.each(['decode', 'record', 'redact', 'replay'])('has an example of %s', async (command) => {
    const { stdout } = await mcbridge('--help');
    expect(stdout.slice(stdout.indexOf('Examples:'))).toContain(`\n  mcbridge ${command} `);
  });

  it('suggests the nearest command', async () => {
    const { status, stderr } = await mcbridge('chekc');
    expect(status).toBe(2);
    expect(stderr).toContain('Did you mean check?');
  });

  it.each([
    [['check'], '--config'],
    [['check', '--config', 'x', '--jsno'], 'Did you mean --json?'],
    [['check', '--config', 'x', 'y'], 'too many arguments'],
  ])('takes %j for wrong usage', async (args, sentence) => {
    const { status, stdout, stderr } = await mcbridge(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(sentence);
  });

  it('says in one line that a configuration cannot be read', async () => {
    const { status, stderr } = await mcbridge('check', '--config', 'no-such-file.yaml');
    expect(status).toBe(2);
    expect(stderr).toBe('mcbridge: cannot read the configuration no-such-file.yaml: there is no such file\n');
  });

  it('ends quietly when nobody reads on', async () => {
    const child = spawn(process.execPath, [MAIN, 'check', '--offline', '--config', given()], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    await once(child, 'close');
    expect(errors).toBe('');
  });
});

describe('mcbridge check', () => {
  it('exits with 0 where all is well, and prints no colours into a pipe', async () => {
    const { status, stdout, stderr } = await mcbridge('check', '--offline', '--config', given());
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('✓ ingresses.federation.tls.key: ');
    expect(stdout).toMatch(/\n0 problems, 2 warnings, 7 checks ok\n$/);
    expect(stdout).not.toContain('\u001b');
  });

  it('exits with 1 where there are problems, and says where and what to do', async () => {
    const config = given((text) => text.replace('server.pem', 'sever.pem'));
    const { status, stdout } = await mcbridge('check', '--offline', '--config', config);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /✗ .*bridge\.yaml:15:24: egresses\.legacy\.server_public_key\[0\]: .*sever\.pem cannot be read: there is no such file\n {4}check the name/,
    );
  });

  it('prints JSON for programs', async () => {
    const config = given((text) => text.replace('legacy:', 'legacy:\n    hearbeat: 1s'));
    const { status, stdout } = await mcbridge('check', '--offline', '--json', '--config', config);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      file: config,
      ok: false,
      findings: [
        {
          status: 'problem',
          path: 'egresses.legacy.hearbeat',
          message: 'unknown key; did you mean "heartbeat"?',
          mend: expect.stringContaining('allowed: type, broker'),
          file: config,
          line: 10,
          column: 5,
        },
      ],
    });
  });
});
