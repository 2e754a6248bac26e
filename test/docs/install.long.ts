import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyPair, makeAuthority } from '../support/pki.ts';
import { type Finished, run } from '../support/process.ts';
import { blocksOf } from './commands.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A user who owns nothing: `nobody` of Debian. */
const STRANGER = ['--reuid=65534', '--regid=65534', '--clear-groups'];

let folder: string;
let project: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcbridge-install-'));
  chmodSync(folder, 0o755);
  project = join(folder, 'mcbridge');
  mkdirSync(project);
  // What a clone has: the files that are tracked, without what was built or installed here.
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT });
  execFileSync('sh', ['-c', 'tar --null --files-from=- -cf - | tar xf - -C "$0"', project], {
    cwd: ROOT,
    input: files,
  });
});

afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

const shell = (line: string, cwd: string): Promise<Finished> =>
  run('bash', ['-ec', line], { cwd, timeoutMs: 500_000 });

const done = async (line: string, cwd = project): Promise<string> => {
  const finished = await shell(line, cwd);
  expect(finished).toMatchObject({ status: 0 });
  return finished.stdout;
};

describe('the first minutes with a clone', () => {
  it('show the demo', async () => {
    expect(await done('npm ci && npm run demo')).toContain('replies carried home');
  });
});

describe('an installation for all users', () => {
  const prefix = (): string => join(folder, 'usr');

  it('is made as the README says', async () => {
    const lines =
      blocksOf('README.md')
        .find((block) => block.includes('npm install --global'))
        ?.trim()
        .split('\n') ?? [];
    expect(lines).toEqual(['npm ci', 'npm pack', 'sudo npm install --global ./mcbridge-0.1.0.tgz']);
    mkdirSync(prefix());
    // Into a folder of the test's own in place of the machine's, which is all that is changed.
    for (const line of lines)
      await done(line.replace('sudo npm install --global', `npm install --global --prefix ${prefix()}`));
  });

  it('can be used by a user who owns nothing, with the owners and modes of docs/operations.md', async () => {
    const etc = join(folder, 'etc-mcbridge');
    const write = (name: string, text: string): void => {
      mkdirSync(join(etc, name, '..'), { recursive: true });
      writeFileSync(join(etc, name), text);
    };
    const authority = makeAuthority('installation CA');
    const bridge = authority.issue({ commonName: 'mcbridge1.example.net' });
    const [config = ''] = blocksOf('README.md', 'yaml');
    write('bridge.yaml', config);
    write('choria/ca.pem', authority.certificate);
    write('choria/cert.pem', bridge.certificate);
    write('choria/key.pem', bridge.privateKey);
    write('legacy/server-public.pem', keyPair('daemons').publicKey);
    write('legacy/keys/alice.pem', keyPair('alice').privateKey);
    const check = () =>
      run(
        'setpriv',
        [...STRANGER, join(prefix(), 'bin/mcbridge'), 'check', '--offline', '--config', 'bridge.yaml'],
        {
          cwd: etc,
          env: { MCBRIDGE_CLUSTER_KEY: 'k'.repeat(40), ACTIVEMQ_PASSWORD: 'x' },
        },
      );
    const unit = readFileSync(join(ROOT, 'docs/mcbridge.service'), 'utf8');
    const [chown, chmod] = ['chown', 'chmod'].map(
      (command) => new RegExp(`^# +(${command} -R .*) /etc/mcbridge$`, 'm').exec(unit)?.[1],
    );
    await done(`${chown?.replace(':mcbridge', ':65534')} ${etc} && ${chmod} ${etc}`);
    expect(await check()).toMatchObject({ status: 0, stdout: expect.stringContaining('0 problems') });
    // As it was before: root's alone. The finding says who has to be let in.
    await done(`chmod 600 ${join(etc, 'choria/key.pem')}`);
    const { status, stdout } = await check();
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /choria\/key\.pem cannot be read: permission denied\n.*let the user nobody read it/,
    );
  });
});

describe('a package in the repository of a team', () => {
  it('is made and installed as docs/ci.md says', async () => {
    const ours = join(folder, 'our-bridge');
    mkdirSync(join(ours, 'vendor'), { recursive: true });
    writeFileSync(join(ours, 'package.json'), '{ "private": true }\n');
    const [pack = '', install = ''] =
      blocksOf('docs/ci.md')
        .find((block) => block.includes('npm pack'))
        ?.trim()
        .split('\n') ?? [];
    await done(pack, folder);
    await done(`cp mcbridge/mcbridge-0.1.0.tgz our-bridge/vendor/`, folder);
    await done(install, folder);
    expect((await done('npx --no -- mcbridge --version', ours)).trim()).toBe('0.1.0');
    expect(existsSync(join(ours, 'package-lock.json'))).toBe(true);
  });
});
