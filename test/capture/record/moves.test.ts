import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { isNodes } from '../../../src/capture/file/format.ts';
import { attach } from '../../../src/capture/record/attach.ts';
import { tellRunning } from '../../../src/cli/record/running.ts';
import type { Move } from '../../../src/nodes/inventory.ts';
import { recordingLog } from '../../adapters/world.ts';
import { load, MINIMAL } from '../../config/sample.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcbridge-moves-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a running bridge tells who listens to it which nodes come and go', async () => {
  const file = join(folder, 'record.sock');
  const running = await tellRunning(load(`record_socket: ${file}\n${MINIMAL}`), recordingLog([]));
  let move: (move: Move) => void = () => undefined;
  running.begin({
    snapshot: () => ({}),
    onMove: (watcher) => {
      move = watcher;
    },
  });
  const attached = await attach(file);
  move({ egress: 'legacy', collective: 'mcollective', node: 'n1', came: 'discovery' });
  running.observer.refused({ code: 'expired', stage: 'request', context: {}, sentence: 'late' });
  const lines: unknown[] = [];
  await new Promise<void>((done) => {
    void attached?.read((line) => {
      lines.push(isNodes(line) ? line.nodes : line);
      if (lines.length === 2) done();
    });
  });
  attached?.close();
  await running.close();
  expect(lines).toEqual([
    { egress: 'legacy', collective: 'mcollective', came: ['n1'] },
    { at: expect.any(Number), rejected: { code: 'expired' } },
  ]);
});
