import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { controlSocketOf, defaultControlSocket } from '../../src/setup/control-socket.ts';
import { MINIMAL } from '../config/sample.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcbridge-where-'));
afterAll(() => rmSync(folder, { recursive: true }));

const socketOf = (text: string, env: Readonly<Record<string, string>> = {}): string => {
  const file = join(folder, 'bridge.yaml');
  writeFileSync(file, text);
  return controlSocketOf(file, env);
};

test.each([
  ['a whole file', `control_socket: run/c.sock\n${MINIMAL}`],
  ['one with an unknown key', `clutser: a\ncontrol_socket: run/c.sock\n${MINIMAL}`],
  ['one with a variable that is not set', `control_socket: run/c.sock\ncluster_key: \${NOT_SET}\n`],
  ['one that is no YAML', `control_socket: run/c.sock\nroutes: [\n  - {`],
])('the socket is found in %s', (_, text) => {
  expect(socketOf(text)).toBe(join(folder, 'run/c.sock'));
});

test('a variable in it counts, also where the rest is no YAML', () => {
  expect(socketOf(`control_socket: \${RUN}/c.sock\nroutes: [`, { RUN: '/run/b' })).toBe('/run/b/c.sock');
  expect(() => socketOf(`control_socket: \${RUN}/c.sock\nroutes: [`)).toThrow(/bridge\.yaml:\d+:\d+/);
});

test('where the file does not say it, it is in the folder of systemd, else where the unit has that', () => {
  expect(socketOf(MINIMAL, { RUNTIME_DIRECTORY: '/run/two:/run/other' })).toBe('/run/two/control.sock');
  expect(socketOf(MINIMAL)).toBe('/run/mcbridge/control.sock');
  expect(socketOf('routes: [', {})).toBe('/run/mcbridge/control.sock');
});

test('a bridge that systemd gives no folder has none by itself', () => {
  expect(defaultControlSocket({})).toBeUndefined();
  expect(defaultControlSocket({ RUNTIME_DIRECTORY: '/run/two' })).toBe('/run/two/control.sock');
});
