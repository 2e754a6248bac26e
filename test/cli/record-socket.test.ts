import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { attach } from '../../src/capture/record/attach.ts';
import { tellRunning } from '../../src/cli/record/running.ts';
import type { LoadedConfig } from '../../src/setup/types.ts';
import { recordingLog } from '../adapters/world.ts';
import { configOf } from '../app/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcbridge-record-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const withSocket = (name: string): LoadedConfig =>
  configOf({ change: (text) => `record_socket: ${at(name)}\n${text}` });
const NODES = { snapshot: () => ({}), onMove: () => undefined };

/** Recording from inside a bridge, whose configuration can be another. */
const telling = async (name: string) => {
  const recording = await tellRunning(withSocket(name), recordingLog([]));
  recording.begin(NODES);
  const follow = async (loaded: LoadedConfig): Promise<void> => {
    await (await recording.follow?.(loaded))?.commit();
  };
  return { recording, follow };
};

const isHeard = async (name: string): Promise<boolean> => {
  const tap = await attach(at(name));
  tap?.close();
  return tap !== undefined;
};

test('a record socket that somebody has removed is made anew by a reload', async () => {
  const { recording, follow } = await telling('removed.sock');
  rmSync(at('removed.sock'));
  await follow(withSocket('removed.sock'));
  expect(await isHeard('removed.sock')).toBe(true);
  await recording.close();
  expect(existsSync(at('removed.sock'))).toBe(false);
});

test('a record socket is elsewhere, and nowhere, once the configuration says so', async () => {
  const { recording, follow } = await telling('one.sock');
  await follow(withSocket('other.sock'));
  expect(existsSync(at('one.sock'))).toBe(false);
  expect(await isHeard('other.sock')).toBe(true);
  await follow(configOf());
  expect(existsSync(at('other.sock'))).toBe(false);
  await recording.close();
});
