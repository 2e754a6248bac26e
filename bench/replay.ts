import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILT_IN } from '../src/adapters/registry.ts';
import { createApp } from '../src/app/app.ts';
import { bodyFields } from '../src/capture/file/format.ts';
import { headerFor } from '../src/capture/file/header.ts';
import { CassetteWriter } from '../src/capture/file/write.ts';
import { replayCassette } from '../src/capture/replay/replay.ts';
import { loadConfig } from '../src/setup/load.ts';
import type { LoadedConfig } from '../src/setup/types.ts';
import { CLUSTER_KEY, minimalWith } from '../test/config/sample.ts';
import { makeAuthority } from '../test/support/pki.ts';
import { type Material, makeMaterial, startBench } from './replies.ts';
import { type BenchResult, interleave } from './table.ts';

const MESSAGES = 100_000;
const VERSION = 'bench';

/** The world of the other benchmark as a file: what `makeMaterial` made finds its way home in it. */
const yaml = minimalWith(CLUSTER_KEY, 'identity: bench\ncluster: bench\ncluster_key_file: cluster.key\n');

const configIn = (folder: string, { serverKey, tokenKey }: Material): LoadedConfig => {
  mkdirSync(join(folder, 'keys'));
  writeFileSync(join(folder, 'cluster.key'), tokenKey.export());
  writeFileSync(join(folder, 'ca.pem'), makeAuthority('bench').certificate);
  writeFileSync(join(folder, 'server.pem'), serverKey.export({ type: 'spki', format: 'pem' }));
  const file = join(folder, 'bridge.yaml');
  writeFileSync(file, yaml);
  return loadConfig(file, {}, BUILT_IN);
};

/** The replies as they come in; what the bridge made of them is written by the bridge itself. */
const cassetteOf = async (folder: string, loaded: LoadedConfig, { replies }: Material): Promise<string> => {
  const at = Date.now();
  const file = join(folder, 'replies.cassette.ndjson');
  const writer = new CassetteWriter(
    file,
    headerFor(loaded, { version: VERSION, clock: at, rejections: true }),
  );
  for (let i = 0; i < MESSAGES; i++) {
    const reply = replies[i % replies.length];
    if (reply === undefined) throw new Error('there are no replies');
    const { destination, body } = reply;
    const message = {
      at,
      link: 'legacy',
      side: 'egress',
      dir: 'in',
      destination,
      ...bodyFields(body),
    } as const;
    if (!writer.write(message)) await writer.drained();
  }
  await writer.close();
  const { updated } = await replayCassette(file, loaded, { update: true, version: VERSION, createApp });
  if (!updated) throw new Error('the cassette has no replies that were brought home');
  return file;
};

/** How fast a cassette is read, replayed and compared, against the translation alone. */
export const benchReplay = async (): Promise<BenchResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'mcbridge-bench-replay-'));
  try {
    const material = makeMaterial();
    const loaded = configIn(folder, material);
    const file = await cassetteOf(folder, loaded, material);
    const { stomp, nats } = await startBench(material);
    const translated = (): number => {
      const before = nats.sent();
      const started = performance.now();
      for (let i = 0; i < MESSAGES; i++) {
        const reply = material.replies[i % material.replies.length];
        if (reply !== undefined) stomp.deliver(reply);
      }
      if (nats.sent() - before !== MESSAGES) throw new Error('replies were refused');
      return (MESSAGES / (performance.now() - started)) * 1000;
    };
    const replayed = async (): Promise<number> => {
      const { outcome, same, seconds } = await replayCassette(file, loaded, { version: VERSION, createApp });
      if (outcome !== 'same' || same !== MESSAGES) throw new Error(`the replay was ${outcome}`);
      return MESSAGES / seconds;
    };
    const rates = await interleave(3, { translated, replayed });
    const [yardstick = 0, replay = 0] = [rates['translated'], rates['replayed']];
    return {
      name: `(i) Replay of a cassette with ${MESSAGES.toLocaleString('en-US')} replies, one core, messages/s`,
      goal: '0.50 of the translation',
      rows: [
        { label: 'bridge: parse, verify, translate, encode', perSecond: yardstick },
        { label: 'the same, read from a file and compared', perSecond: replay, ratio: replay / yardstick },
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
