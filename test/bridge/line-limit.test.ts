import { describe, expect, it } from 'vitest';
import { LineLimit } from '../../src/bridge/line-limit.ts';
import { type LogLine, makeWorld, recordingLog, settled, until } from '../adapters/world.ts';

describe('lines of one kind', () => {
  it('are so many in a while, and the next one says how many were not told', () => {
    const lines: LogLine[] = [];
    let now = 0;
    const limit = new LineLimit({ log: recordingLog(lines), clock: () => now, most: 3, window: 1_000 });
    const flood = (kind: string, count: number): void => {
      for (let n = 0; n < count; n++) limit.tell(kind, 'warn', { event: 'rejected', n }, kind);
    };
    flood('a', 10);
    flood('b', 1);
    expect(lines.map(({ message }) => message)).toEqual(['a', 'a', 'a', 'b']);
    now = 1_000;
    flood('a', 1);
    now = 2_000;
    flood('a', 1);
    expect(lines.slice(4).map(({ fields }) => fields)).toEqual([
      { event: 'rejected', n: 0, untold: 7 },
      { event: 'rejected', n: 0 },
    ]);
  });

  it('are what a flood of forged requests leaves in the log, and all of them are counted', async () => {
    const { bridge, client, log } = await makeWorld();
    for (let n = 0; n < 1_000; n++) client.send({ secure: { signature: 'Zm9yZ2Vk' } });
    await until('all are refused', () => bridge.stats.snapshot().rejected.invalid_signature === 1_000);
    await settled();
    expect(log.filter(({ fields }) => fields['event'] === 'rejected')).toHaveLength(100);
    await bridge.stop();
  });
});
