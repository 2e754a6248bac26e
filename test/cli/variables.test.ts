import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { run } from '../support/process.ts';
import { type CheckWorld, makeCheckWorld } from './check-world.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let world: CheckWorld | undefined;
afterEach(() => world?.end());

test.each([
  ['not set', undefined, 'is not set'],
  ['empty', '', `is set but empty; \${PASSWORD:-} where that is meant`],
  ['spaces', '  ', `holds only spaces; \${PASSWORD:-} where none is meant`],
])('run and check say of a variable that it is %s', async (_, value, why) => {
  world = makeCheckWorld((text) => text.replace('marionette', `\${PASSWORD}`));
  const env = value === undefined ? {} : { PASSWORD: value };
  const said = `${world.config}:13:15: egresses.legacy.password: the environment variable PASSWORD ${why}`;
  const ran = await run(process.execPath, [MAIN, 'run', '--config', world.config], { env });
  expect(ran).toEqual({ status: 2, stdout: '', stderr: `${said}\n` });
  const checked = await run(process.execPath, [MAIN, 'check', '--offline', '--config', world.config], {
    env,
  });
  expect(checked).toMatchObject({ status: 1, stderr: '' });
  expect(checked.stdout).toContain(`✗ ${said}\n`);
});
