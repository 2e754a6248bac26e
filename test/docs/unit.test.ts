import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { mcbridge } from '../support/bridge.ts';
import { run } from '../support/process.ts';

const FILE = fileURLToPath(new URL('../../docs/mcbridge.service', import.meta.url));
const unit = readFileSync(FILE, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'mcbridge-unit-'));
afterAll(() => rmSync(folder, { recursive: true }));

const setting = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];

describe('the unit for systemd', () => {
  it('is one that systemd has no word against', async () => {
    const { status, stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', FILE]);
    const ours = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('mcbridge.service'));
    expect({ status, ours }).toEqual({ status: 0, ours: [] });
  });

  it('starts no bridge again whose configuration cannot be used, and any other that fails', async () => {
    const config = join(folder, 'bridge.yaml');
    const starts = async (text: string): Promise<string> => {
      writeFileSync(config, text);
      return String((await mcbridge('run', '--config', config)).status);
    };
    const never = setting('RestartPreventExitStatus');
    expect(setting('Restart')).toBe('on-failure');
    expect(await starts('')).toBe(never);
    expect(await starts('cluster: production\n')).toBe(never);
    expect(await starts('a: [\n')).toBe(never);
    expect(String((await mcbridge('run', '--config', join(folder, 'not-there.yaml'))).status)).toBe(never);
    expect(never).not.toBe('1');
  });

  it('runs the command that an installation gives, as no user who has a home', () => {
    expect(setting('ExecStart')).toBe('/usr/bin/env mcbridge run --config /etc/mcbridge/bridge.yaml');
    expect(setting('ExecReload')).toBe('/usr/bin/env mcbridge reload --config /etc/mcbridge/bridge.yaml');
    // The folder in which the control socket is by default.
    expect(setting('RuntimeDirectory')).toBe('mcbridge');
    expect(setting('ProtectHome')).toBe('yes');
    expect(setting('User')).toBe('mcbridge');
    // What comes before the main process and fails has it started again for ever.
    expect(setting('ExecStartPre')).toBeUndefined();
  });
});
